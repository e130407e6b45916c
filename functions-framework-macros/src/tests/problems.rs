//! Each mistake and the one sentence about it. Where the sentence stands is for `tests/ui` to show.

use super::{errors, expand};

#[track_caller]
fn attr(attr: &str, expected: &[&str]) {
    assert_eq!(errors(&expand(attr, "async fn sut() {}")), expected, "#[function({attr})]");
}

#[track_caller]
fn item(item: &str, expected: &[&str]) {
    assert_eq!(errors(&expand("", item)), expected, "{item}");
}

const VALID: &str = "the first word can be `http`, `cloud_event` or `openfunction`, the keys are `name = \"..\"`, `path = \"/..\"`, \
                     `methods(GET, ..)`, `init = path::to::fn`, `main = false`, `crate = some::path` and, for OpenFunction functions, \
                     `input = \"..\"`, `topic = \"component/topic\"`, `binding = \"..\"`, `concurrency = 8` and `order_by = \"..\"`";

#[test]
fn keys() {
    attr("colour = \"red\"", &[&format!("unknown key `colour`: {VALID}")]);
    attr("nam = \"x\"", &[&format!("unknown key `nam`, did you mean `name`? {VALID}")]);
    attr("method(GET)", &[&format!("unknown key `method`, did you mean `methods`? {VALID}")]);
    attr("cloudevent", &[&format!("unknown key `cloudevent`, did you mean `cloud_event`? {VALID}")]);
    attr("\"hello\"", &[&format!("expected a key: {VALID}")]);
    attr(",", &[&format!("expected a key: {VALID}")]);
    attr("name = \"a\", name = \"b\"", &["`name` is given twice"]);
    attr("http, http", &["`http` is given twice"]);
    attr("http, cloud_event", &["the kind is already given as `http`"]);
    attr("main = false, http", &["write the kind first: `#[function(http, ..)]`"]);
    attr("name = \"a\" path = \"/\"", &["expected a comma between two keys"]);
    attr("http(GET)", &["expected a comma between two keys"]);
}

#[test]
fn deliveries() {
    attr("input", &["`input` needs a value: `input = \"orders\"`"]);
    attr("input = orders", &["`input` takes a string: `input = \"orders\"`"]);
    attr("input = \"\"", &["`input` cannot be empty: `input = \"orders\"`"]);
    attr("input(\"a\", \"a\")", &["`a` is given twice"]);
    attr("input()", &["`input` needs at least one name: `input(\"a\", \"b\")`"]);
    attr("input(orders)", &["`input` takes strings: `input(\"a\", \"b\")`"]);
    let topic = "a topic is named with the pub/sub component that carries it: `topic = \"component/topic\"`";
    attr("topic = \"orders\"", &[topic]);
    attr("topic = \"/orders\"", &[topic]);
    attr("topic = \"bus/\"", &[topic]);
    attr("concurrency = 0", &["`concurrency` takes a number from 1: `concurrency = 8`"]);
    attr("concurrency = \"8\"", &["`concurrency` takes a number: `concurrency = 8`"]);
    attr("order_by(\"a\", \"b\")", &["`order_by` needs a value: `order_by = \"subject\"`"]);
    attr(
        "http, input = \"a\"",
        &["`input` fits an OpenFunction function, whose first parameter is a `Context`; this one is `http`"],
    );
    attr("openfunction, input = \"a\", topic = \"bus/a/b\", binding(\"c\"), order_by = \"subject\"", &[]);
}

#[test]
fn all_are_reported() {
    attr(
        "name = 1, path = \"orders\", methods(), main = no",
        &[
            "`name` takes a string: `name = \"..\"`",
            "a path starts with `/`: `path = \"/orders\"`",
            "`methods` needs at least one method, or leave it out to serve all: `methods(GET, PUT)`",
            "`main` takes `true` or `false`: `main = false`",
        ],
    );
    assert_eq!(errors(&expand("main = 1", "const fn sut<T>(t: impl Sized) {}")).len(), 4);
}

#[test]
fn values() {
    attr("name", &["`name` needs a value: `name = \"..\"`"]);
    attr("name(\"x\")", &["`name` needs a value: `name = \"..\"`"]);
    attr("name =", &["`name` needs a value: `name = \"..\"`"]);
    attr("name = hello", &["`name` takes a string: `name = \"..\"`"]);
    attr("path = '/'", &["`path` takes a string: `path = \"/..\"`"]);
    attr("main", &["`main` needs a value: `main = false`"]);
    attr("main = \"false\"", &["`main` takes `true` or `false`: `main = false`"]);
    attr("init = connect()", &["`init` takes the function itself, not what it returns: `init = connect`"]);
    attr("init = \"connect\"", &["write the path without quotes: `init = path::to::fn`"]);
    attr("init = || 1", &["`init` takes the path of a function: `init = path::to::fn`"]);
    attr("crate = \"ff\"", &["write the path without quotes: `crate = some::path`"]);
    attr("crate = 1", &["`crate` takes a path: `crate = some::path`"]);
}

#[test]
fn names() {
    let beginning = "a function's name is made of the letters a-z and A-Z, digits, `-`, `_` and `.`;";
    attr("name = \"\"", &["a function's name cannot be empty"]);
    attr("name = \"a b\"", &[&format!("{beginning} ` ` is none of them")]);
    attr("name = \"a/b\"", &[&format!("{beginning} `/` is none of them")]);
    attr("name = \"orders.v1_created-2\"", &[]);
    item(
        "async fn größe() {}",
        &[&format!("{beginning} `ö` is none of them: give it another with `#[function(name = \"..\")]`")],
    );
}

#[test]
fn methods() {
    const ONE_OF: &str = "expected an HTTP method, one of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE, CONNECT";
    attr("methods(GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE, CONNECT)", &[]);
    attr("methods(GET,)", &[]);
    attr("methods()", &["`methods` needs at least one method, or leave it out to serve all: `methods(GET, PUT)`"]);
    attr("methods", &["`methods` takes a list in parentheses: `methods(GET, PUT)`"]);
    attr("methods = GET", &["`methods` takes a list in parentheses: `methods(GET, PUT)`"]);
    attr("methods(GET, GET)", &["`GET` is given twice"]);
    attr("methods(get, \"PUT\")", &["write the method as `GET`", "write the method as `PUT`"]);
    attr("methods(FETCH)", &[ONE_OF]);
    attr("methods(GET PUT)", &[ONE_OF]);
    attr("methods(,)", &[ONE_OF]);
    attr("cloud_event, methods(GET)", &["a CloudEvent function is called with POST: leave `methods` out"]);
    attr("http, methods(GET)", &[]);
}

#[test]
fn paths() {
    for path in [
        "/",
        "/a/b.c",
        "/{id}",
        "/{id}/",
        "/v{major}/x",
        "/{a}/{b}",
        "/files/{*rest}",
        "/{{literal}}/{id}",
        "/a:b",
        "/2*3",
        "/*",
        "//",
    ] {
        attr(&format!("path = \"{path}\""), &[]);
    }
    for (path, why) in [
        ("", "a path starts with `/`: `path = \"/\"`"),
        ("orders", "a path starts with `/`: `path = \"/orders\"`"),
        ("/a?b=c", "a path has no `?`: only what comes before the query is matched"),
        ("/a b", "a path has no ` `: only what comes before the query is matched"),
        ("/:id", "write a parameter of the path as `{id}`, not `:id`"),
        ("/files/*rest", "write the rest of the path as `{*rest}`, not `*rest`"),
        ("/{id", "the path has a `{` without its other half; write `{{` for the character itself"),
        ("/id}", "the path has a `}` without its other half; write `}}` for the character itself"),
        ("/a}{b}", "the path has a `}` without its other half; write `}}` for the character itself"),
        ("/{a{b}", "the path has a `{` without its other half; write `{{` for the character itself"),
        ("/{a/b}", "the path has a `{` without its other half; write `{{` for the character itself"),
        ("/{}", "a parameter of the path needs a name: `{id}`, or `{*rest}` for the rest of the path"),
        ("/{*}", "a parameter of the path needs a name: `{id}`, or `{*rest}` for the rest of the path"),
        ("/{a*}", "`{a*}`: a `*` stands only before the name"),
        ("/{a}/{a}", "two parameters of the path are called `a`"),
        ("/{a}/{*a}", "two parameters of the path are called `a`"),
        ("/{*rest}/x", "`{*rest}` takes the rest of the path and has to come last"),
        ("/{a}{b}", "a parameter of the path reaches to the next `/`: nothing can follow `{a}` directly"),
        ("/{a}.json", "a parameter of the path reaches to the next `/`: nothing can follow `{a}` directly"),
    ] {
        attr(&format!("path = \"{path}\""), &[why]);
    }
}

#[test]
fn items() {
    item("struct Sut;", &["`#[function]` stands before a function, not before `struct`"]);
    item("pub enum Sut {}", &["`#[function]` stands before a function, not before `enum`"]);
    item("impl Sut {}", &["`#[function]` stands before a function, not before `impl`"]);
    item("const SUT: u8 = 1;", &["`#[function]` stands before a function, not before `const`"]);
    item("static SUT: fn() = f;", &["`#[function]` stands before a function, not before `static`"]);
}

#[test]
fn signatures() {
    item("const fn sut() {}", &["a function cannot be `const`: it runs when it is called for"]);
    item(
        "unsafe fn sut() {}",
        &["a function cannot be `unsafe`: it is called with what comes from the network, and nobody vouches for that"],
    );
    item("extern \"C\" fn sut() {}", &["a function is called from Rust: leave `extern` out"]);
    item("unsafe extern \"C\" fn sut(_: ...) {}", &["a function takes a fixed number of parameters"]);
    let generic = "a function cannot be generic: nobody is there to choose the types, write them out";
    item("async fn sut<T: Read>(t: T) where T: Send {}", &[generic]);
    item("async fn sut<const N: usize>(t: [u8; N]) {}", &[generic]);
    item("async fn sut<'a>(t: &'a str) {}", &[generic]);
    item("async fn sut() where u8: Copy {}", &["a function cannot have a `where` clause: all its types are known"]);
    let trait_argument = "a function cannot take `impl Trait`: nobody is there to choose the type, write it out";
    item("async fn sut(t: impl Read) {}", &[trait_argument]);
    item("async fn sut(t: Option<impl Read>) {}", &[trait_argument]);
    item("async fn sut(t: u8) -> impl IntoResponse {}", &[]);
    item("async fn sut(t: u8) -> impl Future {}", &[]);
    item(
        "fn sut() -> impl ::std::future::Future<Output = u8> + Send {}",
        &["this would be called as a function that blocks: write `async fn` and return what the future gives"],
    );
    item(
        "async fn sut(#[cfg(test)] a: u8, #[allow(unused)] b: u8) {}",
        &["a parameter cannot come and go with `#[cfg]`: write the function twice, each with its `#[cfg]`"],
    );
}

#[test]
fn what_rustc_says_itself_is_not_repeated() {
    item("async fn sut(x: _) {}", &[]);
    item("async fn sut();", &[]);
}

#[test]
fn a_wrong_function_still_stands_in_a_list_and_for_a_main() {
    for (attr, item) in [("nonsense", "async fn sut() {}"), ("", "async fn sut<T>() {}"), ("", "async fn sut(x: _) {}")] {
        let expansion = expand(attr, item).to_string();
        assert!(expansion.contains("struct sut"), "{expansion}");
        assert!(expansion.contains("Registration for sut"), "{expansion}");
        assert!(expansion.contains("fn main ()"), "{expansion}");
    }
    assert!(!expand("main = no", "async fn sut() {}").to_string().contains("fn main ()"), "who writes `main` has another");
}

#[test]
fn nothing_is_put_beside_a_method() {
    for item in ["async fn sut(&self) {}", "async fn sut(self: Box<Self>) {}", "const fn sut() -> Self {}"] {
        let expansion = expand("", item).to_string();
        assert!(!expansion.contains("struct"), "{expansion}");
    }
}
