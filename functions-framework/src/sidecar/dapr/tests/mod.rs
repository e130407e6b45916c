//! The client against a sidecar that does as it is told.

mod apps;
mod connection;
mod garbage;
mod generated;
mod messages;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};
use tonic::Code;

use super::Dapr;
use crate::{settings, sidecar::Scope};

/// What was asked of the fake.
#[derive(Debug, Clone)]
struct Seen {
    method: http::Method,
    uri: Uri,
    headers: HeaderMap,
    /// Without what gRPC puts before a message.
    body: Bytes,
    connection: usize,
}

impl Seen {
    fn message<M: Message + Default>(&self) -> M {
        M::decode(self.body.clone()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What the fake does about it.
enum Act {
    Message(Vec<u8>),
    Refuse(Code, &'static str),
    Http(Response<Bytes>),
    /// The data of a gRPC answer, and whether a status follows.
    Raw(Bytes, bool),
    Never,
    /// Ends the connection at once.
    HangUp,
}

fn message(message: &impl Message) -> Act {
    Act::Message(message.encode_to_vec())
}

type Script = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

struct Fake {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Counts the goodbyes said to all connections.
    goodbye: watch::Sender<usize>,
    accepting: AbortHandle,
}

impl Fake {
    async fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    fn on(listener: TcpListener, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let goodbye = watch::Sender::new(0);
        let (script, kept, farewell): (Script, _, _) = (Arc::new(script), Arc::clone(&seen), goodbye.clone());
        let accepting = tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, connection, Arc::clone(&script), Arc::clone(&kept), farewell.subscribe()));
            }
        });
        Self { port, seen, goodbye, accepting: accepting.abort_handle() }
    }

    /// Says goodbye to every connection, as a sidecar does to those that are idle, and waits until they are closed.
    async fn say_goodbye(&self) {
        self.goodbye.send_modify(|count| *count += 1);
        // Every connection holds a receiver until its end.
        self.goodbye.closed().await;
    }

    /// Answers the first call and no other: a deadline then meets an open connection, however busy the machine is.
    async fn silent_after(answer: impl Fn() -> Act + Send + Sync + 'static) -> Self {
        let calls = AtomicUsize::new(0);
        Self::start(move |_| if calls.fetch_add(1, SeqCst) == 0 { answer() } else { Act::Never }).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    fn dapr(&self) -> Dapr {
        dapr(self.port)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn dapr(port: u16) -> Dapr {
    Dapr::new(&settings_for(port), 16 << 20).unwrap()
}

fn settings_for(port: u16) -> settings::Dapr {
    settings::Dapr { grpc_port: Some(port), http_port: Some(port), ..settings::Dapr::default() }
}

fn no_scope() -> Scope {
    Scope::default()
}

async fn serve(
    stream: TcpStream,
    number: usize,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    mut goodbye: watch::Receiver<usize>,
) {
    let hang_up = Arc::new(tokio::sync::Notify::new());
    let ending = Arc::clone(&hang_up);
    let service = service_fn(move |request: Request<Incoming>| {
        let (script, seen, hang_up) = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&hang_up));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let is_grpc = head.headers.get("content-type").is_some_and(|value| value == "application/grpc");
            let body = if is_grpc { body.slice(5..) } else { body };
            let call = Seen { method: head.method, uri: head.uri, headers: head.headers, body, connection: number };
            let act = script(&call);
            seen.lock().unwrap().push(call);
            match act {
                Act::Message(message) => Ok::<_, Infallible>(grpc(framed(&message), Some((Code::Ok, "")))),
                Act::Refuse(code, text) => Ok(grpc(Bytes::new(), Some((code, text)))),
                Act::Raw(data, true) => Ok(grpc(data, Some((Code::Ok, "")))),
                Act::Raw(data, false) => Ok(grpc(data, None)),
                Act::Http(response) => Ok(response.map(|body| frames(vec![Frame::data(body)]))),
                Act::Never => std::future::pending().await,
                Act::HangUp => {
                    hang_up.notify_one();
                    std::future::pending().await
                }
            }
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ending.notified() => {}
        _ = goodbye.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

type Frames = StreamBody<futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

fn frames(frames: Vec<Frame<Bytes>>) -> Frames {
    let frames: Vec<_> = frames.into_iter().map(Ok).collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

fn grpc(data: Bytes, status: Option<(Code, &str)>) -> Response<Frames> {
    let mut parts = Vec::new();
    if !data.is_empty() {
        parts.push(Frame::data(data));
    }
    if let Some((code, text)) = status {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from(code as i32));
        trailers.insert("grpc-message", HeaderValue::from_str(text).unwrap());
        parts.push(Frame::trailers(trailers));
    }
    let mut response = Response::new(frames(parts));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &[u8]) -> Bytes {
    let mut data = BytesMut::new();
    data.put_u8(0);
    data.put_u32(u32::try_from(message.len()).unwrap());
    data.put_slice(message);
    data.freeze()
}
