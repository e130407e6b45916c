use functions_framework::function;

#[function(path = "orders", main = false)]
async fn no_slash() {}

#[function(path = "/orders/:id", main = false)]
async fn old_parameter() {}

#[function(path = "/files/*rest", main = false)]
async fn old_rest() {}

#[function(path = "/orders/{id", main = false)]
async fn unbalanced() {}

#[function(path = "/orders/{}", main = false)]
async fn unnamed() {}

#[function(path = "/{id}/{id}", main = false)]
async fn repeated() {}

#[function(path = "/{*rest}/end", main = false)]
async fn rest_first() {}

#[function(path = "/{id}.json", main = false)]
async fn suffix() {}

#[function(path = "/orders?id=1", main = false)]
async fn query() {}

fn main() {}
