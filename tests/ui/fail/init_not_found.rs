use functions_framework::function;

#[function(init = not_there)]
async fn hello() {}
