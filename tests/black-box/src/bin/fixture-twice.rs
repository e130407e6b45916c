//! Two functions of one name, which only the whole program can know.

use functions_framework::function;

#[function(main = false)]
async fn hello() {}

mod second {
    use functions_framework::function;

    #[function(main = false)]
    pub(crate) async fn hello() {}
}

functions_framework::main!(hello, second::hello);
