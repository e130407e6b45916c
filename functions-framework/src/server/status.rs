//! What every answer says of the function: OpenFunction's own header.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};

use crate::function::answered::TEXT;

const NAME: HeaderName = HeaderName::from_static("x-openfunction-status");

/// How a function fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    /// It failed, or answered a status that says so.
    Error,
    /// It panicked.
    Crash,
}

/// The headers of text that goes well. To clone a map is less than to put the names into it.
static WITH_TEXT: LazyLock<HeaderMap> =
    LazyLock::new(|| HeaderMap::from_iter([(CONTENT_TYPE, TEXT), Status::Success.header()]));

impl Status {
    /// What the status of a response tells.
    pub(crate) fn of(status: StatusCode) -> Self {
        if status.as_u16() < 400 { Self::Success } else { Self::Error }
    }

    const fn header(self) -> (HeaderName, HeaderValue) {
        let value = match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Crash => "crash",
        };
        (NAME, HeaderValue::from_static(value))
    }

    /// Puts it among the headers of an answer.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let (name, value) = self.header();
        headers.insert(name, value);
    }

    /// The headers of text that goes well.
    pub(crate) fn with_text() -> HeaderMap {
        WITH_TEXT.clone()
    }
}
