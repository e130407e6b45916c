//! An editor expands on every key stroke, adding no more than the other half of a bracket or quote. Whatever stands there
//! comes out again, as it was and once, and nothing panics.

use super::{expand, tokens};

/// Expands and checks that the expansion begins with the very tokens that went in.
#[track_caller]
fn survives(attr: &str, item: &str) -> String {
    let expansion = expand(attr, item).to_string();
    let original = tokens(item).to_string();
    assert!(expansion.starts_with(&original), "{original}\n\nis not what comes first in\n\n{expansion}");
    expansion
}

#[test]
fn bodies() {
    for body in [
        "{ if 1 }",
        "{ let x = }",
        "{ match x { Some() => } }",
        "{ x. }",
        "{ foo(, ) ; ; let }",
        "{ #![allow(unused)] #[cfg()] }",
        "{ = => .. ! }",
    ] {
        let expansion = survives("", &format!("async fn sut() {body}"));
        assert!(!expansion.contains("compile_error"), "a body is none of our business: {expansion}");
        assert!(expansion.contains("__kind . function"), "{expansion}");
    }
}

#[test]
fn signatures() {
    for (item, has_item) in [
        ("fn", false),
        ("async fn", false),
        ("async", false),
        ("pub", false),
        ("pub fn x", true),
        ("fn x()", true),
        ("fn x();", true),
        ("async fn x( {})", true),
        ("async fn x(a) {}", true),
        ("async fn x(a:) {}", true),
        ("async fn x(a: , b: u8) {}", true),
        ("async fn x(Json(): Json<) {}", true),
        ("async fn x(a: Vec<u8) {}", true),
        ("async fn x() -> {}", true),
        ("async fn x<() {}", true),
        ("fn 1() {}", false),
        ("fn x", true),
        ("#[doc]", false),
        ("#[]", false),
        ("pub(in) fn x() {}", false),
        ("#[a b c] fn x() {}", false),
        ("fn r#type()", true),
    ] {
        let expansion = survives("", item);
        assert_eq!(expansion.contains("struct"), has_item, "{item}: {expansion}");
    }
}

#[test]
fn garbage() {
    for item in
        ["", "1 + 1", ";", "struct", "struct X", "impl", "{}", "(fn x() {})", "?? => 'a' \"b\"", "fn fn fn", "r#\"raw\"#"]
    {
        survives("", item);
    }
}

#[test]
fn attributes() {
    for attr in [
        ",",
        ",,",
        "http,",
        "http http",
        "=",
        "name",
        "name =",
        "name = ,",
        "name = 1 2 3",
        "name()",
        "name = \"\"",
        "path = ",
        "path = \"\"",
        "methods",
        "methods(())",
        "methods(,)",
        "methods(GET.)",
        "methods(GET PUT)",
        "methods = [GET]",
        "init",
        "init = ",
        "init = ::",
        "init = a::",
        "init = a<",
        "main",
        "main =",
        "main = maybe",
        "crate",
        "crate =",
        "crate = \"x\"",
        "crate = 1",
        "crate = a::<b>",
        "fn",
        "r#name = \"x\"",
        "#[function]",
        "()",
        "name = \"a\" path = \"/\"",
        "\"hello\"",
        "path = \"/{\", name = {}",
        "1",
        "-",
        "'a",
    ] {
        let expansion = survives(attr, "async fn sut() { if 1 }");
        assert!(expansion.contains("struct sut"), "{attr}: {expansion}");
    }
}

#[test]
fn a_panic_keeps_the_function_and_says_whose_fault_it_is() {
    let expansion = crate::fallback::guard(&tokens("async fn sut() { if 1 }"), |_| panic!("of all things"));
    assert!(expansion.to_string().starts_with("async fn sut () { if 1 }"));
    let expansion = crate::fallback::guard(&tokens("fn sut() {}"), |_| panic!("of all things"));
    assert_eq!(
        super::errors(&expansion),
        ["this is a bug in functions-framework, please report it with the function it stands at: of all things"]
    );
}
