//! A function with hooks; which run, and in what order, stands in `function.yaml`.
//!
//! ```sh
//! cargo run -p hooks
//! curl localhost:8080
//! ```

use functions_framework::{
    Error, Result, function,
    hooks::{Hook, Invocation, Outcome},
};

/// Counts the functions it was before.
#[derive(Clone, Default)]
struct PluginCustom {
    state_c: u32,
}

impl Hook for PluginCustom {
    fn name(&self) -> &'static str {
        "plugin-custom"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        self.state_c += 1;
        Ok(())
    }
}

/// Adds what the other has counted.
#[derive(Clone, Default)]
struct PluginExample {
    state_a: u32,
}

impl Hook for PluginExample {
    fn name(&self) -> &'static str {
        "plugin-example"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        self.state_a = 1;
        Ok(())
    }

    async fn after(&mut self, invocation: &Invocation, _: &mut Outcome) -> Result<()> {
        let custom: &PluginCustom = invocation.hook("plugin-custom").ok_or_else(|| Error::new("plugin-custom does not run"))?;
        println!("plugin - Result: {{\"sum\":{}}}", self.state_a + custom.state_c);
        Ok(())
    }
}

#[function(main = false)]
async fn hello() -> &'static str {
    "Hello!\n"
}

functions_framework::main!(hello; hooks = [PluginCustom::default(), PluginExample::default()]);

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    /// Asks the other two what they came to.
    #[derive(Clone)]
    struct Check;

    impl Hook for Check {
        fn name(&self) -> &'static str {
            "check"
        }

        async fn after(&mut self, invocation: &Invocation, _: &mut Outcome) -> Result<()> {
            let custom = invocation.hook::<PluginCustom>("plugin-custom").map(|hook| hook.state_c);
            let example = invocation.hook::<PluginExample>("plugin-example").map(|hook| hook.state_a);
            assert_eq!((custom, example), (Some(1), Some(1)));
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_invocation_has_hooks_of_its_own() {
        let test = testing::http(hello {}).hook(PluginCustom::default()).hook(PluginExample::default()).hook(Check);
        for _ in 0..3 {
            assert_eq!(test.get("/").await.status(), 200);
        }
    }
}
