use functions_framework::function;

#[function]
async fn hello() {}

#[function]
async fn bye() {}
