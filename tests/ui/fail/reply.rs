use functions_framework::{Context, Event, Result, function};

struct Order;

#[function(main = false)]
async fn http() -> Order {
    Order
}

#[function(main = false)]
async fn http_result() -> Result<Vec<Order>> {
    Ok(vec![])
}

#[function(main = false)]
async fn http_error() -> Result<String, std::io::Error> {
    Ok(String::new())
}

#[function(main = false)]
async fn cloud_event(_: Event) -> u32 {
    1
}

#[function(main = false)]
async fn cloud_event_result(_: Event) -> Result<Order> {
    Ok(Order)
}

#[function(main = false)]
async fn cloud_event_error(_: Event) -> Result<Event, Order> {
    Err(Order)
}

#[function(main = false)]
async fn open_function(_: Context) -> Order {
    Order
}

#[function(main = false)]
async fn open_function_result(_: Context) -> Result<Option<Order>> {
    Ok(None)
}

#[function(main = false)]
async fn open_function_error(_: Context) -> Result<(), Order> {
    Ok(())
}

fn main() {}
