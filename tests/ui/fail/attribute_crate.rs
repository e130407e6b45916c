use functions_framework::function;

#[function(crate = not_there)]
async fn hello() {}
