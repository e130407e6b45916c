//! The functions of a program as JSON, for whoever builds an image of it: a buildpack asks the fresh program what it holds.

use serde::Serialize;

use crate::function::Function;

/// One line, a name each: fields may be added, and those that are there stay.
#[derive(Serialize)]
struct Listing<'a> {
    framework: &'static str,
    functions: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    /// As `FUNCTION_SIGNATURE_TYPE` spells it.
    kind: &'static str,
    /// Only one that it was given; where it is served without one depends on what is served beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<&'a str>,
}

/// What `--list-functions` prints.
pub(crate) fn json(functions: &[Function]) -> Result<String, serde_json::Error> {
    let functions = functions.iter().map(|function| Listed {
        name: function.name(),
        kind: function.kind().as_str(),
        path: function.path(),
        methods: function.methods().iter().map(http::Method::as_str).collect(),
    });
    serde_json::to_string(&Listing { framework: env!("CARGO_PKG_VERSION"), functions: functions.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Event, function, function::classify::Registration};

    #[function(main = false, path = "/orders/{id}", methods(PUT, GET))]
    async fn order() {}

    #[function(main = false, name = "shop.created-2")]
    async fn created(_: Event) {}

    #[function(main = false)]
    async fn relay(_: Context) {}

    fn registered<R: Registration>(_: R) -> Function {
        R::function()
    }

    #[test]
    fn every_function_is_listed_with_its_kind_and_the_route_that_it_was_given() {
        let functions = [registered(order {}), registered(created {}), registered(relay {})];
        let expected = concat!(
            r#"{"framework":""#,
            env!("CARGO_PKG_VERSION"),
            r#"","functions":[{"name":"order","kind":"http","path":"/orders/{id}","methods":["PUT","GET"]},"#,
            r#"{"name":"shop.created-2","kind":"cloudevent"},{"name":"relay","kind":"openfunction"}]}"#,
        );
        assert_eq!(json(&functions).unwrap(), expected);
    }
}
