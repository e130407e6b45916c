use functions_framework::function;

#[function(main = false)]
const fn constant() {}

#[function(main = false)]
async unsafe fn not_safe() {}

#[function(main = false)]
extern "C" fn foreign() {}

#[function(main = false)]
async fn parameters(#[cfg(unix)] _: String) {}

fn main() {}
