//! The calls of the sidecar, one by one.

use std::{convert::Infallible, io, sync::Arc};

use bytes::Bytes;
use http_body_util::{
    BodyExt as _,
    channel::{Channel, Sender},
};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::UnixListener, sync::mpsc};

use super::{Acknowledged, Shared, Source, lock, wire};

/// What the component is.
const SERVICES: [&str; 2] = ["dapr.proto.components.v1.PubSub", "dapr.proto.components.v1.InputBinding"];

const UNIMPLEMENTED: HeaderValue = HeaderValue::from_static("12");
const OK: HeaderValue = HeaderValue::from_static("0");

/// Takes connections as long as it is polled.
pub(super) async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let (answer, body) = Channel::new(16);
            tokio::spawn(call(request, answer, Arc::clone(&shared)));
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            async { Ok::<_, Infallible>(response) }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // How it ends is the sidecar's business.
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

async fn call(request: Request<Incoming>, mut answer: Sender<Bytes>, shared: Arc<Shared>) {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut messages = Messages { body: request.into_body(), rest: Vec::new() };
    let status = match method.as_str() {
        "ServerReflectionInfo" => {
            while let Ok(Some(_)) = messages.next().await {
                if send(&mut answer, &wire::services(&SERVICES)).await.is_err() {
                    return;
                }
            }
            OK
        }
        "PullMessages" => {
            let first = messages.next().await.ok().flatten().and_then(|first| wire::fields(&first));
            let topic = first.and_then(|mut fields| wire::fields(&fields.remove(&1)?)?.remove(&1));
            let topic = topic.map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default();
            exchange(Source::Topic(topic), messages, &mut answer, &shared).await;
            OK
        }
        "Read" => {
            exchange(Source::Binding, messages, &mut answer, &shared).await;
            OK
        }
        // They answer with an empty message.
        "Init" | "Features" | "Ping" | "Publish" => {
            if send(&mut answer, &[]).await.is_err() {
                return;
            }
            OK
        }
        _ => UNIMPLEMENTED,
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status);
    // The sidecar may be gone.
    let _ = answer.send_trailers(trailers).await;
}

/// Sends what there is to bring, and hears what became of it, until the sidecar reads no more.
async fn exchange(source: Source, mut acknowledgements: Messages, answer: &mut Sender<Bytes>, shared: &Shared) {
    let (bring, mut brought) = mpsc::unbounded_channel();
    let is_topic = matches!(source, Source::Topic(_));
    lock(&shared.open).insert(source.clone(), bring);
    loop {
        tokio::select! {
            message = brought.recv() => {
                let Some(message) = message else { break };
                if send(answer, &message).await.is_err() {
                    break;
                }
            }
            told = acknowledgements.next() => {
                let Ok(Some(told)) = told else { break };
                let Some((id, outcome)) = acknowledged(&told, is_topic) else { continue };
                if let Some(waiting) = lock(&shared.waiting).remove(&id) {
                    // Who has waited long enough does not.
                    let _ = waiting.send(outcome);
                }
            }
        }
    }
    lock(&shared.open).remove(&source);
}

/// `PullMessagesRequest` or `ReadRequest`.
fn acknowledged(message: &[u8], is_topic: bool) -> Option<(String, Acknowledged)> {
    let mut fields = wire::fields(message)?;
    let id = String::from_utf8_lossy(&fields.remove(&2)?).into_owned();
    if let Some(error) = fields.remove(&3) {
        let text = wire::fields(&error)?.remove(&1).unwrap_or_default();
        return Some((id, Err(String::from_utf8_lossy(&text).into_owned())));
    }
    let reply = if is_topic { None } else { fields.remove(&1) };
    Some((id, Ok(reply.unwrap_or_default())))
}

async fn send(answer: &mut Sender<Bytes>, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let framed = [&[0][..], &length.to_be_bytes(), message].concat();
    answer.send_data(framed.into()).await.map_err(io::Error::other)
}

/// The messages of a request, one after another.
struct Messages {
    body: Incoming,
    rest: Vec<u8>,
}

impl Messages {
    /// The next one; none at the end.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some((head, rest)) = self.rest.split_first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
                if let Some(message) = rest.get(..usize::try_from(length).map_err(io::Error::other)?) {
                    let message = message.to_vec();
                    self.rest.drain(..5 + message.len());
                    return Ok(Some(message));
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
