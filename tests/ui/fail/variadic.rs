use functions_framework::function;

#[function(main = false)]
unsafe extern "C" fn variadic(_: ...) {}

fn main() {}
