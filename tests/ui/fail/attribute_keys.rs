use functions_framework::function;

#[function(nam = "x", main = false)]
async fn misspelled() {}

#[function(colour = "red", main = false)]
async fn unknown() {}

#[function("hello", main = false)]
async fn no_key() {}

#[function(cloudevent, main = false)]
async fn kind() {}

#[function(name = "a", main = false, name = "b")]
async fn repeated() {}

#[function(http, cloud_event, main = false)]
async fn two_kinds() {}

#[function(main = false, http)]
async fn kind_last() {}

#[function(main = false name = "a")]
async fn no_comma() {}

fn main() {}
