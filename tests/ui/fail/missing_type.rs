use functions_framework::function;

#[function]
async fn hello(order: Order) -> Reply {}
