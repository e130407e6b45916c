use functions_framework::function;

#[function]
async fn hello() -> String {
    let text = String::new(;
    text
}
