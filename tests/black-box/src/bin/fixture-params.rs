//! A function that tells its environment, served in either way: with `SERVE_ON=mine` on a runtime that is there already.

use std::{env, process::ExitCode};

use functions_framework::{App, function, http::Path};

#[function(main = false, path = "/{name}")]
async fn variable(Path(name): Path<String>) -> String {
    match &*name {
        "id" => std::process::id().to_string(),
        "arguments" => env::args().collect::<Vec<_>>().join(" "),
        name => env::var(name).unwrap_or_else(|error| error.to_string()),
    }
}

fn main() -> ExitCode {
    let app = App::new().function(variable {});
    if env::var_os("SERVE_ON").is_none() {
        return app.run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(app.serve())
}
