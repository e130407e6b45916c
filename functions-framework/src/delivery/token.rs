//! The token by which a function knows its sidecar (`APP_API_TOKEN`).

use ::http::{HeaderMap, HeaderName};

/// What a delivery has to bring; discovery and health probes bring none (contract dapr.md §0.5).
#[derive(Default)]
pub(crate) struct Token(Option<Box<[u8]>>);

const HEADER: HeaderName = HeaderName::from_static("dapr-api-token");

impl Token {
    /// Demands this token; an empty one, as an unset variable, demands nothing.
    pub(crate) fn new(token: Option<String>) -> Self {
        Self(token.filter(|token| !token.is_empty()).map(|token| token.into_bytes().into()))
    }

    /// Tells whether the headers, or the metadata of gRPC, have the token. A broker's own metadata may stand beside it under the same
    /// name, so any of the values will do.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = &self.0 else { return true };
        // Not short-circuited: how long it takes says nothing about the token.
        headers.get_all(HEADER).iter().fold(false, |found, value| found | equal(value.as_bytes(), expected))
    }
}

/// Compares in a time that depends on the lengths only.
fn equal(given: &[u8], expected: &[u8]) -> bool {
    let mut difference = u8::from(given.len() != expected.len());
    for (index, byte) in expected.iter().enumerate() {
        difference |= byte ^ given.get(index).copied().unwrap_or(!byte);
    }
    std::hint::black_box(difference) == 0
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Token(set)" } else { "Token(none)" })
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn headers(tokens: &[&'static str]) -> HeaderMap {
        tokens.iter().map(|token| (HEADER, HeaderValue::from_static(token))).collect()
    }

    #[test]
    fn any_of_the_values_may_be_the_token() {
        let token = Token::new(Some("secret".to_owned()));
        assert!(token.is_in(&headers(&["secret"])) && token.is_in(&headers(&["fake", "secret"])));
        for wrong in [&[][..], &["Secret"], &["secre"], &["secrets"], &[""]] {
            assert!(!token.is_in(&headers(wrong)), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "Token(set)");
    }

    #[test]
    fn without_a_token_all_may_come() {
        for none in [None, Some(String::new())] {
            assert!(Token::new(none).is_in(&headers(&[])));
        }
    }
}
