async fn plain() {}

struct Hello;

functions_framework::main!(plain, Hello);
