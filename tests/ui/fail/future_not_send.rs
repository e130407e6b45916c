use std::{future::ready, rc::Rc};

use functions_framework::{Context, Event, function};

#[function(main = false)]
async fn http() -> String {
    let text = Rc::new("x".to_owned());
    ready(()).await;
    text.as_ref().clone()
}

#[function(main = false)]
async fn cloud_event(_: Event) {
    let text = Rc::new("x".to_owned());
    ready(()).await;
    drop(text);
}

#[function(main = false)]
async fn open_function(_: Context) {
    let text = Rc::new("x".to_owned());
    ready(()).await;
    drop(text);
}

fn main() {}
