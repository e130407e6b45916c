use functions_framework::{Result, function};

#[function(init = no_result, main = false)]
async fn one() {}

async fn no_result() -> u8 {
    1
}

#[function(init = with_parameter, main = false)]
async fn two() {}

async fn with_parameter(_: u8) -> Result<u8> {
    Ok(1)
}

#[function(init = no_error, main = false)]
async fn three() {}

fn no_error() -> Result<u8, u8> {
    Ok(1)
}

#[function(init = LIMIT, main = false)]
async fn four() {}

const LIMIT: u8 = 1;

fn main() {}
