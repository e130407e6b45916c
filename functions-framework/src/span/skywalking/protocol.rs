//! What SkyWalking's collector takes: the messages of its data collect protocol, version 3, that say what happened.

/// The part of a trace that happened in one process.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SegmentObject {
    #[prost(string, tag = "1")]
    pub(crate) trace_id: String,
    #[prost(string, tag = "2")]
    pub(crate) trace_segment_id: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) spans: Vec<SpanObject>,
    #[prost(string, tag = "4")]
    pub(crate) service: String,
    #[prost(string, tag = "5")]
    pub(crate) service_instance: String,
    /// There were more spans than these.
    #[prost(bool, tag = "6")]
    pub(crate) is_size_limited: bool,
}

/// Where a segment goes on from.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SegmentReference {
    #[prost(enumeration = "RefType", tag = "1")]
    pub(crate) ref_type: i32,
    #[prost(string, tag = "2")]
    pub(crate) trace_id: String,
    #[prost(string, tag = "3")]
    pub(crate) parent_trace_segment_id: String,
    #[prost(int32, tag = "4")]
    pub(crate) parent_span_id: i32,
    #[prost(string, tag = "5")]
    pub(crate) parent_service: String,
    #[prost(string, tag = "6")]
    pub(crate) parent_service_instance: String,
    #[prost(string, tag = "7")]
    pub(crate) parent_endpoint: String,
    #[prost(string, tag = "8")]
    pub(crate) network_address_used_at_peer: String,
}

/// One thing that was done.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SpanObject {
    /// Counted from 0 within its segment.
    #[prost(int32, tag = "1")]
    pub(crate) span_id: i32,
    /// -1 has none.
    #[prost(int32, tag = "2")]
    pub(crate) parent_span_id: i32,
    /// In milliseconds since 1970, as all times.
    #[prost(int64, tag = "3")]
    pub(crate) start_time: i64,
    #[prost(int64, tag = "4")]
    pub(crate) end_time: i64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) refs: Vec<SegmentReference>,
    #[prost(string, tag = "6")]
    pub(crate) operation_name: String,
    /// Who is called, for a span that leaves the process.
    #[prost(string, tag = "7")]
    pub(crate) peer: String,
    #[prost(enumeration = "SpanType", tag = "8")]
    pub(crate) span_type: i32,
    #[prost(enumeration = "SpanLayer", tag = "9")]
    pub(crate) span_layer: i32,
    #[prost(int32, tag = "10")]
    pub(crate) component_id: i32,
    #[prost(bool, tag = "11")]
    pub(crate) is_error: bool,
    #[prost(message, repeated, tag = "12")]
    pub(crate) tags: Vec<KeyStringValuePair>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) logs: Vec<Log>,
}

/// What happened during a span.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Log {
    #[prost(int64, tag = "1")]
    pub(crate) time: i64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) data: Vec<KeyStringValuePair>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct KeyStringValuePair {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

impl KeyStringValuePair {
    pub(crate) fn new(key: &str, value: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SpanType {
    Entry = 0,
    Exit = 1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum RefType {
    CrossProcess = 0,
    /// The same process, at a time when the segment was closed.
    CrossThread = 1,
}

/// What kind of technology a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SpanLayer {
    Unknown = 0,
    Database = 1,
    Http = 3,
    Faas = 6,
}

/// The number of `OpenFunction` among the components that SkyWalking knows.
pub(crate) const OPENFUNCTION: i32 = 5013;
