#![deny(dead_code)]

use functions_framework::function;

#[function(main = false)]
async fn hello() {}

#[function(main = false)]
async fn bye() {}

functions_framework::main!(hello);
