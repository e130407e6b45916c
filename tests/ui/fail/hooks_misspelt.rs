use functions_framework::function;

#[function(main = false)]
async fn hello() {}

functions_framework::main!(hello; hook = [Audit]);

fn main() {}
