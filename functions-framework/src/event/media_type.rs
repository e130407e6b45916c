//! Media types, as far as an event needs them: whether a text is one, and whether it means JSON.

/// What as good as every event carries.
pub(crate) const JSON: &str = "application/json";

/// Tells whether `text` has the form of a media type (RFC 2046): `type/subtype`, and parameters that are not looked into.
///
/// It is the text of an attribute, too, so a tab is none of it; a space at its end would be lost in a header.
pub(crate) fn is_valid(text: &str) -> bool {
    if text == JSON {
        return true;
    }
    let (essence, parameters) = split(text);
    !text.ends_with(' ')
        && essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Tells whether data of that media type is JSON: the subtype is `json` or ends in `+json`, in any case.
pub(crate) fn is_json(text: &str) -> bool {
    if text == JSON {
        return true;
    }
    let (essence, _) = split(text);
    // Bytes, not chars: the text may come from an event that was never checked.
    let essence = essence.as_bytes();
    essence.len() > 5
        && essence[essence.len() - 4..].eq_ignore_ascii_case(b"json")
        && matches!(essence[essence.len() - 5], b'/' | b'+')
        && essence.contains(&b'/')
}

/// Returns the value of a parameter, without its quotes.
pub(crate) fn parameter<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    split(text).1.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
}

/// Splits into the media type itself and what follows the first semicolon.
fn split(text: &str) -> (&str, &str) {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    (essence.trim_end_matches(' '), parameters)
}

fn is_token(text: &str) -> bool {
    const fn is_token_byte(byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
    }
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_two_tokens_and_parameters() {
        for valid in [
            "text/plain",
            "application/vnd.x+json",
            "Application/JSON ; charset=\"utf-8\"",
            "a/b;",
            "multipart/x; boundary=a b",
        ] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in [
            "",
            "text",
            "/",
            "text/",
            "/plain",
            "a b/c",
            "text/pl ain",
            "a/b/c",
            "a/b ",
            "a/b\t",
            "a/b;\tc=d",
            "a/b; ",
            "text/plain; x=\u{e9}",
            "t\u{e9}xt/x",
        ] {
            assert!(!is_valid(invalid), "{invalid}");
        }
    }

    #[test]
    fn json_is_known_by_its_subtype() {
        for json in ["application/json", "text/JSON", "Application/VND.x+Json; charset=utf-8", "application/json ;x", "x/json"]
        {
            assert!(is_json(json), "{json}");
        }
        for other in ["", "json", "+json", "text/plain", "application/jsonp", "text/plain; a=/json", "application/xjson"] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn a_parameter_is_found_in_any_case() {
        assert_eq!(parameter("a/b; x=1; Charset=\"UTF-8\"", "charset"), Some("UTF-8"));
        assert_eq!(parameter("a/b; x=1", "charset"), None);
    }
}
