//! Every way to write a list of hooks.

use functions_framework::{
    Result, function,
    hooks::{Hook, Invocation, Outcome},
};

#[derive(Clone)]
struct Plain;

impl Hook for Plain {
    fn name(&self) -> &str {
        "plain"
    }
}

/// Is not `Clone`: a closure makes it.
struct Made {
    name: String,
    seen: Vec<u8>,
}

impl Hook for Made {
    fn name(&self) -> &str {
        &self.name
    }

    async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
        std::future::ready(()).await;
        self.seen.extend(invocation.function().bytes());
        Ok(())
    }

    async fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> Result<()> {
        let plain = invocation.hook::<Plain>("plain");
        std::future::ready(()).await;
        assert!(plain.is_some() && outcome.is_success());
        Ok(())
    }
}

#[function(main = false)]
async fn hello() {}

mod several {
    use super::*;
    functions_framework::main!(hello, hello,; hooks = [Plain, || Made { name: "made".to_owned(), seen: Vec::new() }, ]);
    const _: fn() -> std::process::ExitCode = main;
}

mod none {
    use super::*;
    functions_framework::main!(hello; hooks = []);
    const _: fn() -> std::process::ExitCode = main;
}

fn main() {
    let _ = functions_framework::App::new().function(hello {}).hook(Plain);
}
