use functions_framework::function;

#[function]
async fn hello() {}

functions_framework::main!(hello);
