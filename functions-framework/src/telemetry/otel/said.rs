//! What variables and the function context say, each value with the name of who says it.

use std::{ffi::OsString, time::Duration};

/// A value, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct Said {
    pub(super) name: String,
    pub(super) value: String,
}

/// The variables of a process.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl Variables<'_> {
    /// The first of these that is set; an empty one is not, as usual in containers.
    pub(super) fn first(&self, names: &[&str]) -> Result<Option<Said>, String> {
        for name in names {
            let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else { continue };
            let Ok(value) = value.into_string() else { return Err(format!("{name}: expected text in UTF-8")) };
            return Ok(Some(Said { name: (*name).to_owned(), value }));
        }
        Ok(None)
    }

    /// Reads one.
    pub(super) fn read<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        self.first(&[name])?.map(|said| said.parse(expected, parse)).transpose()
    }
}

impl Said {
    /// What a field of the exporter in the function context says.
    pub(super) fn in_context(field: &str, value: Option<&String>) -> Option<Self> {
        Some(Self { name: format!("tracing.provider.exporter.{field} of the function context"), value: value?.clone() })
    }

    pub(super) fn parse<T>(&self, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
        parse(self.value.trim()).ok_or_else(|| self.mistake(expected))
    }

    pub(super) fn mistake(&self, expected: &str) -> String {
        let Self { name, value } = self;
        // What proves who sends is no business of a log, not even when it is wrong.
        let value = if name.to_ascii_lowercase().contains("headers") { "..." } else { value };
        format!("{name}={value}: expected {expected}")
    }
}

/// Pairs as `k=v,k=v`, in which what is no plain text is percent-encoded.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=')?;
            let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().ok()?;
            Some((key.trim(), value))
                .filter(|(key, _)| !key.is_empty())
                .map(|(key, value)| (key.to_owned(), value.into_owned()))
        })
        .collect()
}

/// Milliseconds, or a number with its unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let millis = match text[end..].trim() {
        "" | "ms" => number,
        "s" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        _ => return None,
    };
    // A day is more than anybody waits for a collector.
    (millis <= 86_400_000).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_separated_by_commas_and_may_be_encoded() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs("a=1, b = x%20y,,c=d=e,").unwrap(), [pair("a", "1"), pair("b", "x y"), pair("c", "d=e")]);
        assert_eq!(pairs(""), Some(Vec::new()));
        for wrong in ["a", "=1", "a=%ff"] {
            assert_eq!(pairs(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_in_milliseconds_unless_it_says_otherwise() {
        assert_eq!(duration("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(
            (duration("10s"), duration("1m"), duration("5ms")),
            (Some(Duration::from_secs(10)), Some(Duration::from_secs(60)), Some(Duration::from_millis(5)))
        );
        for wrong in ["", "soon", "1h", "-1", "99999999999999999999s", "9999999999s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn headers_are_not_told_when_they_are_wrong() {
        let said = Said { name: "OTEL_EXPORTER_OTLP_HEADERS".to_owned(), value: "secret".to_owned() };
        assert_eq!(said.mistake("k=v"), "OTEL_EXPORTER_OTLP_HEADERS=...: expected k=v");
    }
}
