//! The rows of the table: what is asked, and who answers it how.

use super::{request::Shape, side::Side};

/// One row: a request, and what each side does with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The function, or the mode of a peer, that answers; a side that is not here has nothing like it.
    pub(crate) modes: &'static [(Side, &'static str)],
    /// What one should know before comparing.
    pub(crate) note: &'static str,
}

impl Row {
    pub(crate) fn mode(&self, side: Side) -> Option<&'static str> {
        self.modes.iter().find(|(of, _)| *of == side).map(|(_, mode)| *mode)
    }
}

const EVENT: &[(Side, &str)] = &[(Side::Ours, "event"), (Side::Hyper, "ce"), (Side::Axum, "ce"), (Side::Sdk, "sink")];
const REPLY: &[(Side, &str)] = &[(Side::Ours, "reply"), (Side::Sdk, "reply")];
const FLOOR: &str = "hyper and axum read the body and parse nothing";

pub(crate) const ROWS: [Row; 9] = [
    Row {
        name: "hello",
        shape: Shape::Get,
        modes: &[(Side::Ours, "hello"), (Side::Hyper, "hello"), (Side::Axum, "hello")],
        note: "",
    },
    Row { name: "event-binary-1k", shape: Shape::Binary(1024), modes: EVENT, note: FLOOR },
    Row { name: "event-binary-64k", shape: Shape::Binary(65536), modes: EVENT, note: FLOOR },
    Row {
        name: "event-structured-1k",
        shape: Shape::Structured(1024),
        modes: &[(Side::Ours, "event"), (Side::Sdk, "sink")],
        note: "",
    },
    Row {
        name: "order",
        shape: Shape::Binary(1024),
        modes: &[(Side::Ours, "order"), (Side::Sdk, "order")],
        note: "a binary event of 1 KiB, its data decoded into a struct; the peer decodes by hand",
    },
    Row { name: "reply-binary-1k", shape: Shape::Binary(1024), modes: REPLY, note: "" },
    Row { name: "reply-structured-1k", shape: Shape::Structured(1024), modes: REPLY, note: "" },
    Row {
        name: "relay",
        shape: Shape::Json(1024),
        modes: &[(Side::Ours, "relay"), (Side::Axum, "relay")],
        note: "an OpenFunction function that answers its payload; axum echoes a body and has no context",
    },
    Row {
        name: "count",
        shape: Shape::Upload(1 << 20),
        modes: &[(Side::Ours, "count"), (Side::Hyper, "count"), (Side::Axum, "count")],
        note: "an upload of 1 MiB, streamed; its instructions follow how many reads the system makes of it and can differ \
               threefold from run to run: compare the allocations",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_name_and_a_function_of_ours() {
        for (number, row) in ROWS.iter().enumerate() {
            assert!(row.mode(Side::Ours).is_some(), "{}", row.name);
            assert!(ROWS[..number].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
