//! YAML as values, and where they are.

use super::{
    super::yaml::{Place, documents},
    *,
};

fn value(text: &str) -> Value {
    let documents = documents(text).unwrap_or_else(|broken| panic!("{text}: {}: {}", broken.place, broken.mistake));
    documents.into_iter().next().map_or(Value::Null, |document| document.value)
}

#[track_caller]
fn broken(text: &str, expected: &str) {
    let broken = documents(text).expect_err("it is refused");
    let found = format!("{}: {}", broken.place, broken.mistake);
    assert!(found.starts_with(expected), "{found}\nexpected {expected}");
}

#[test]
fn plain_words_are_those_of_yaml_1_2() {
    for (text, expected) in [
        ("~", Value::Null),
        ("null", Value::Null),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("yes", json!("yes")),
        ("on", json!("on")),
        ("12", json!(12)),
        ("+12", json!(12)),
        ("-12", json!(-12)),
        ("0o17", json!(15)),
        ("0xff", json!(255)),
        ("0x-f", json!("0x-f")),
        ("1.5", json!(1.5)),
        (".5e3", json!(500.0)),
        ("1e3", json!(1000.0)),
        ("18446744073709551616", json!("18446744073709551616")),
        (".inf", json!(".inf")),
        ("inf", json!("inf")),
        ("nan", json!("nan")),
        ("e5", json!("e5")),
        ("-", json!([null])),
        ("v1", json!("v1")),
        ("1.2.3", json!("1.2.3")),
        ("'12'", json!("12")),
        ("\"a\\n\"", json!("a\n")),
        ("!!str 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("|\n  a\n  b\n", json!("a\nb\n")),
        (">-\n  a\n  b\n", json!("a b")),
        ("@every 2s", json!("@every 2s")),
    ] {
        if text == "@every 2s" {
            broken(text, "1:1: no YAML: ");
        } else {
            assert_eq!(value(text), expected, "{text}");
        }
    }
}

#[test]
fn aliases_and_merge_keys_are_written_out() {
    let text = "base: &b {x: 1, y: [2]}\nsame: *b\nmore: {<<: *b, x: 3}\nboth: {<<: [*b, {z: 4}]}\nquoted: {'<<': 5}\n";
    assert_eq!(
        value(text),
        json!({
            "base": {"x": 1, "y": [2]}, "same": {"x": 1, "y": [2]}, "more": {"x": 3, "y": [2]},
            "both": {"x": 1, "y": [2], "z": 4}, "quoted": {"<<": 5}
        })
    );
    assert_eq!(value("8080: x\ntrue: y\n"), json!({"8080": "x", "true": "y"}));
}

#[test]
fn every_value_has_its_place() {
    let text = "a:\n  - b: 1\n    c: {d: x}\n  - 2\ne:\n---\nsecond: y\n";
    let documents = documents(text).unwrap();
    let place = |path: &str| documents[0].place(path).map(|Place { line, column }| (line, column));
    assert_eq!(place(""), Some((1, 1)));
    assert_eq!(place("a[0].b"), Some((2, 8)));
    assert_eq!(place("a[0].c.d"), Some((3, 12)));
    assert_eq!(place("a[1]"), Some((4, 5)));
    assert_eq!(place("e"), Some((5, 1)), "what is empty is where its name is");
    assert_eq!(place("a[0].c.missing"), Some((3, 8)), "what is missing is where it would be");
    assert_eq!(place("a[7].missing"), Some((2, 3)));
    assert_eq!(documents[1].place("second").map(|place| place.line), Some(7));
}

#[test]
fn what_is_no_yaml_is_shown_where_it_is() {
    broken("a: [1,\nb: 2\n", "1:4: a[1]: no YAML: unclosed bracket");
    broken("a: 1\na: 2\n", "2:1: a: it is there twice");
    broken("a:\n\tb: 1\n", "2:");
    broken("a: *none\n", "1:4: a: no YAML: ");
    broken("a: &x [*x]\n", "1:8: a[0]: the alias is within its own anchor");
    broken("a: !secret x\n", "1:12: a: the tag !secret is not known here");
    broken("a: !set {b: c}\n", "1:9: a: the tag !set is not known here");
    broken("? [a]\n: b\n", "1:3: expected a name with a colon after it");
    broken("a: {<<: 3}\n", "1:");
}

#[test]
fn a_text_that_would_fill_the_memory_is_refused() {
    broken(&format!("{}1{}", "[".repeat(200), "]".repeat(200)), "1:66: values are more than 64 deep");
    let level = |level: usize, aliases: usize| {
        let aliases = vec![format!("*a{}", level - 1); aliases].join(", ");
        format!("a{level}: &a{level} [{aliases}]\n")
    };
    let laughs: String = (1..9).map(|number| level(number, 9)).collect();
    let laughs = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{laughs}");
    broken(&laughs, "6:10: it has more than 100000 values");
    let tower: String = (1..80).map(|number| level(number, 1)).collect();
    let tower = format!("a0: &a0 [x]\n{tower}");
    broken(&tower, "64:12: values are more than 64 deep");
}
