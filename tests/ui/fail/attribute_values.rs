use functions_framework::function;

#[function(name, main = false)]
async fn no_value() {}

#[function(name = hello, main = false)]
async fn no_quotes() {}

#[function(name = "two words", path = 1, main = false)]
async fn two_mistakes() {}

#[function(name = "", main = false)]
async fn empty_name() {}

#[function(main = "false")]
async fn quoted_bool() {}

#[function(init = connect(), main = false)]
async fn called_init() {}

#[function(init = "connect", main = false)]
async fn quoted_init() {}

#[function(crate = "some::path", main = false)]
async fn quoted_crate() {}

#[function(main = false)]
async fn größe() {}

fn main() {}
