mod hello {
    #[functions_framework::function]
    pub async fn hello() {}
}
