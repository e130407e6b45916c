use functions_framework::function;

#[function]
struct Hello;

#[function(main = false)]
impl Hello {}

#[function]
mod hello {}

#[function]
const HELLO: &str = "hello";

fn main() {}
