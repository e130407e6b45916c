//! How a trace comes from one process to the next: the values of `sw8` and `sw8-correlation`, version 3 of SkyWalking's
//! cross process propagation.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// A longer one is none: the headers of a request hold no more, and what else carries it should not.
const LONGEST: usize = 8 << 10;

/// Who calls, as `sw8` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Whether the trace is to be reported.
    pub(crate) sampled: bool,
    pub(crate) trace: String,
    pub(crate) segment: String,
    /// The span within the segment.
    pub(crate) span: i32,
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) endpoint: String,
    /// What the caller calls who is called.
    pub(crate) address: String,
}

impl Caller {
    /// Reads a value; none where it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut fields = text.split('-');
        let sampled = match fields.next()? {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let (trace, segment) = (named(fields.next()?)?, named(fields.next()?)?);
        let span = fields.next()?.parse().ok().filter(|span| *span >= 0)?;
        let mut text = || decoded(fields.next()?);
        let (service, instance, endpoint, address) = (text()?, text()?, text()?, text()?);
        fields.next().is_none().then_some(Self { sampled, trace, segment, span, service, instance, endpoint, address })
    }

    pub(crate) fn encode(&self) -> String {
        let Self { sampled, trace, segment, span, service, instance, endpoint, address } = self;
        let [trace, segment, service, instance, endpoint, address] =
            [trace, segment, service, instance, endpoint, address].map(|text| BASE64_STANDARD.encode(text));
        format!("{}-{trace}-{segment}-{span}-{service}-{instance}-{endpoint}-{address}", u8::from(*sampled))
    }
}

/// What a whole trace takes along: keys and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Correlation(Vec<(String, String)>);

impl Correlation {
    /// Reads a value; none where it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let pairs = text.split(',').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (key, value) = pair.split_once(':')?;
            Some((named(key)?, decoded(value)?))
        });
        let mut correlation = Self::default();
        for pair in pairs.collect::<Option<Vec<_>>>()? {
            correlation.add(pair);
        }
        Some(correlation)
    }

    pub(crate) fn encode(&self) -> String {
        let pairs =
            self.0.iter().map(|(key, value)| format!("{}:{}", BASE64_STANDARD.encode(key), BASE64_STANDARD.encode(value)));
        pairs.collect::<Vec<_>>().join(",")
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a pair, unless there is one with its key.
    pub(crate) fn add(&mut self, (key, value): (String, String)) {
        if !self.0.iter().any(|(known, _)| *known == key) {
            self.0.push((key, value));
        }
    }

    /// These, and of others those whose keys are not among them.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        others.0.iter().cloned().for_each(|pair| self.add(pair));
        self
    }
}

impl FromIterator<(String, String)> for Correlation {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut correlation = Self::default();
        pairs.into_iter().for_each(|pair| correlation.add(pair));
        correlation
    }
}

fn decoded(field: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(field).ok()?).ok()
}

/// A field that must say something.
fn named(field: &str) -> Option<String> {
    decoded(field).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by hand after the specification of the protocol.
    const SW8: &str = "1-My4yLjE=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcC9oZWxsbw==-MTI3LjAuMC4xOjgwODA=";

    fn caller() -> Caller {
        Caller {
            sampled: true,
            trace: "3.2.1".to_owned(),
            segment: "1.2.3".to_owned(),
            span: 4,
            service: "service".to_owned(),
            instance: "instance".to_owned(),
            endpoint: "/app/hello".to_owned(),
            address: "127.0.0.1:8080".to_owned(),
        }
    }

    #[test]
    fn a_value_of_another_agent_is_read_and_written() {
        assert_eq!(Caller::parse(SW8), Some(caller()));
        assert_eq!(caller().encode(), SW8);
        let ignored = SW8.replacen('1', "0", 1);
        assert_eq!(Caller::parse(&ignored), Some(Caller { sampled: false, ..caller() }));
        let correlation = Correlation::parse("dGVuYW50:Nw==,cGxhbg==:").unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(correlation, [pair("tenant", "7"), pair("plan", "")].into_iter().collect());
        assert_eq!(correlation.encode(), "dGVuYW50:Nw==,cGxhbg==:");
    }

    #[test]
    fn what_is_malformed_is_none() {
        let long = format!("{SW8}{}", "A".repeat(LONGEST));
        for wrong in [
            "",
            "1",
            "2-My4yLjE=-MS4yLjM=-4-cw==-aQ==-ZQ==-YQ==",
            "1--MS4yLjM=-4-cw==-aQ==-ZQ==-YQ==",
            "1-My4yLjE=-MS4yLjM=-x-cw==-aQ==-ZQ==-YQ==",
            "1-My4yLjE=-MS4yLjM=--1-cw==-aQ==-ZQ==-YQ==",
            "1-My4yLjE=-MS4yLjM=-4-cw==-aQ==-ZQ==",
            "1-My4yLjE=-MS4yLjM=-4-cw==-aQ==-ZQ==-YQ==-YQ==",
            "1-My4yLjE=-MS4yLjM=-4-%%-aQ==-ZQ==-YQ==",
            "1-/w==-MS4yLjM=-4-cw==-aQ==-ZQ==-YQ==",
            &long,
        ] {
            assert_eq!(Caller::parse(wrong), None, "{wrong}");
        }
        for wrong in ["a", "YQ==", "YQ==:%", ":YQ==", "base64(string key):base64(string value)"] {
            assert_eq!(Correlation::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Correlation::parse(""), Some(Correlation::default()));
    }

    #[test]
    fn a_key_is_there_once_and_the_first_counts() {
        let pairs =
            |text: &str| text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        let (came, own): (Correlation, Correlation) = (pairs("a=1,a=2,b=3"), pairs("b=4,c=5"));
        assert_eq!(came.and(&own), pairs("a=1,b=3,c=5"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sampled: bool, trace in ".{1,40}", segment in ".{1,40}", span in 0i32.., texts in [".{0,40}", ".{0,40}", ".{0,40}", ".{0,40}"],
        ) {
            let [service, instance, endpoint, address] = texts;
            let caller = Caller { sampled, trace, segment, span, service, instance, endpoint, address };
            prop_assert_eq!(Caller::parse(&caller.encode()), Some(caller));
        }

        #[test]
        fn what_is_taken_along_is_read(pairs in proptest::collection::vec((".{1,20}", ".{0,40}"), 0..8)) {
            let correlation: Correlation = pairs.into_iter().collect();
            prop_assert_eq!(Correlation::parse(&correlation.encode()), Some(correlation));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*", nearly in "[01]-[A-Za-z0-9+/=]{0,9}-[A-Za-z0-9+/=]{0,9}-[0-9-]{0,12}(-[A-Za-z0-9+/=]{0,8}){0,5}") {
            for text in [text, nearly] {
                if let Some(caller) = Caller::parse(&text) {
                    prop_assert_eq!(Caller::parse(&caller.encode()), Some(caller));
                }
                if let Some(correlation) = Correlation::parse(&text) {
                    prop_assert_eq!(Correlation::parse(&correlation.encode()), Some(correlation));
                }
            }
        }
    }
}
