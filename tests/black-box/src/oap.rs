//! A collector of SkyWalking: it takes segments over gRPC.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, channel::Channel};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::eventually;

/// The part of a trace that happened in one process, as `language-agent/Tracing.proto` of the protocol's version 3 has it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Segment {
    /// The trace.
    #[prost(string, tag = "1")]
    pub trace: String,
    /// Its own name.
    #[prost(string, tag = "2")]
    pub id: String,
    /// What happened.
    #[prost(message, repeated, tag = "3")]
    pub spans: Vec<Happened>,
    /// The service.
    #[prost(string, tag = "4")]
    pub service: String,
    /// The process of it.
    #[prost(string, tag = "5")]
    pub instance: String,
}

/// A span of a segment.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Happened {
    /// Its number.
    #[prost(int32, tag = "1")]
    pub id: i32,
    /// That of its parent, or -1.
    #[prost(int32, tag = "2")]
    pub parent: i32,
    /// In milliseconds.
    #[prost(int64, tag = "3")]
    pub start: i64,
    /// In milliseconds.
    #[prost(int64, tag = "4")]
    pub end: i64,
    /// Where it goes on from.
    #[prost(message, repeated, tag = "5")]
    pub refs: Vec<Reference>,
    /// What was done.
    #[prost(string, tag = "6")]
    pub operation: String,
    /// Who was called.
    #[prost(string, tag = "7")]
    pub peer: String,
    /// 0 is an entry, 1 an exit.
    #[prost(int32, tag = "8")]
    pub kind: i32,
    /// 1 is a database, 3 HTTP, 6 functions.
    #[prost(int32, tag = "9")]
    pub layer: i32,
    /// The number of a component.
    #[prost(int32, tag = "10")]
    pub component: i32,
    /// Whether it failed.
    #[prost(bool, tag = "11")]
    pub is_error: bool,
    /// What it says.
    #[prost(message, repeated, tag = "12")]
    pub tags: Vec<Pair>,
    /// What happened meanwhile.
    #[prost(message, repeated, tag = "13")]
    pub logs: Vec<Entry>,
}

/// Where a segment goes on from.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Reference {
    /// 0 is another process, 1 the same.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The trace.
    #[prost(string, tag = "2")]
    pub trace: String,
    /// The segment.
    #[prost(string, tag = "3")]
    pub segment: String,
    /// The span in it.
    #[prost(int32, tag = "4")]
    pub span: i32,
    /// The service.
    #[prost(string, tag = "5")]
    pub service: String,
    /// The process of it.
    #[prost(string, tag = "6")]
    pub instance: String,
    /// What was called there.
    #[prost(string, tag = "7")]
    pub endpoint: String,
    /// What it calls who is called.
    #[prost(string, tag = "8")]
    pub address: String,
}

/// A key and a value.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Pair {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A thing that happened during a span.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entry {
    /// In milliseconds.
    #[prost(int64, tag = "1")]
    pub time: i64,
    /// What.
    #[prost(message, repeated, tag = "2")]
    pub data: Vec<Pair>,
}

impl Segment {
    /// The span of the invocation.
    #[track_caller]
    pub fn entry(&self) -> &Happened {
        self.spans.iter().find(|span| span.kind == 0).unwrap_or_else(|| panic!("it has an entry: {self:?}"))
    }

    /// The span of what was sent to this peer.
    #[track_caller]
    pub fn exit(&self, peer: &str) -> &Happened {
        let found = self.spans.iter().find(|span| span.kind == 1 && span.peer == peer);
        found.unwrap_or_else(|| panic!("it has an exit to {peer}: {self:?}"))
    }
}

impl Happened {
    /// A tag; empty when it is not there.
    pub fn tag(&self, key: &str) -> &str {
        self.tags.iter().find(|tag| tag.key == key).map_or("", |tag| &tag.value)
    }

    /// What its first log says of this; empty when there is none.
    pub fn said(&self, key: &str) -> &str {
        let mut data = self.logs.iter().flat_map(|log| &log.data);
        data.find(|pair| pair.key == key).map_or("", |pair| &pair.value)
    }
}

/// The collector, which is gone when nobody holds it any more.
#[derive(Debug)]
pub struct Oap {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Segment>>>,
    _runtime: Runtime,
}

impl Oap {
    /// Starts one.
    pub fn start() -> Self {
        Self::at(0)
    }

    /// Starts one at this port.
    pub fn at(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let came = Arc::<Mutex<Vec<Segment>>>::default();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        runtime.spawn(serve(listener, Arc::clone(&came)));
        Self { address, came, _runtime: runtime }
    }

    /// Where it is, as a host and a port.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// All segments that have come.
    pub fn segments(&self) -> Vec<Segment> {
        lock(&self.came).clone()
    }

    /// Waits for the segment of an invocation that is called so.
    #[track_caller]
    pub fn wait(&self, operation: &str) -> Segment {
        self.wait_for(operation, |_| true)
    }

    /// Waits for the segment of an invocation that is called so, and is like this.
    #[track_caller]
    pub fn wait_for(&self, operation: &str, fits: impl Fn(&Segment) -> bool) -> Segment {
        let is_it =
            |segment: &Segment| segment.spans.iter().any(|span| span.kind == 0 && span.operation == operation) && fits(segment);
        eventually(&format!("a segment `{operation}` comes"), || self.segments().into_iter().find(is_it))
    }
}

async fn serve(listener: TcpListener, came: Arc<Mutex<Vec<Segment>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let came = Arc::clone(&came);
        let service = service_fn(move |request| {
            let came = Arc::clone(&came);
            async move {
                let (mut answer, body) = Channel::<Bytes>::new(2);
                let status = collect(request, &came).await;
                // An empty message, and the status after it. Who asked may be gone.
                let _ = answer.send_data(Bytes::from_static(&[0; 5])).await;
                let _ = answer.send_trailers(HeaderMap::from_iter([("grpc-status".parse().expect("a name"), status)])).await;
                let mut response = Response::new(body);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                Ok::<_, Infallible>(response)
            }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // How it ends is the program's business.
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

/// Takes all segments of a stream.
async fn collect(request: Request<Incoming>, came: &Mutex<Vec<Segment>>) -> HeaderValue {
    if request.uri().path() != "/skywalking.v3.TraceSegmentReportService/collect" {
        return HeaderValue::from_static("12");
    }
    let Ok(body) = request.into_body().collect().await else { return HeaderValue::from_static("13") };
    let mut body = body.to_bytes();
    while body.len() >= 5 {
        assert_eq!(body.get_u8(), 0, "nothing is compressed");
        let length = body.get_u32() as usize;
        lock(came).push(Segment::decode(body.split_to(length)).expect("it is a segment"));
    }
    HeaderValue::from_static("0")
}

fn lock(came: &Mutex<Vec<Segment>>) -> MutexGuard<'_, Vec<Segment>> {
    came.lock().unwrap_or_else(PoisonError::into_inner)
}
