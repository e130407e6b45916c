use functions_framework::{
    Result, function,
    hooks::{Hook, Invocation},
};

struct NoHook;

struct NotClone;

impl Hook for NotClone {
    fn name(&self) -> &str {
        "not-clone"
    }
}

#[derive(Clone)]
struct NotSend;

impl Hook for NotSend {
    fn name(&self) -> &str {
        "not-send"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        let shared = std::rc::Rc::new(1);
        std::future::ready(()).await;
        assert_eq!(*shared, 1);
        Ok(())
    }
}

#[function(main = false)]
async fn hello() {}

functions_framework::main!(hello; hooks = [NoHook, NotClone, NotSend, "audit"]);
