//! Sidecars that are not there, go away, or come later.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use dapr::dapr::proto::runtime::v1 as proto;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener},
};

use super::{Act, Fake, dapr, message, no_scope};
use crate::{
    settings::{self, Endpoint, Place},
    sidecar::{Message, Metadata, ReadOptions, Scope, Sidecar as _, SidecarCode, dapr::Dapr},
};

fn anything() -> Message {
    let (component, address) = ("kafka".to_owned(), "orders".to_owned());
    Message { component, address, payload: Bytes::from("x"), content_type: "text/plain".to_owned(), metadata: Metadata::new() }
}

fn within(time: Duration) -> Scope {
    Scope { deadline: Some(Instant::now() + time), ..Scope::default() }
}

/// A port at which nobody listens, and nobody else can.
fn quiet() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn nothing_is_opened_before_it_is_needed_and_then_once() {
    let fake = Fake::start(|_| message(&())).await;
    let dapr = fake.dapr();
    assert_eq!(fake.seen().len(), 0);
    let calls = (0..20).map(|_| dapr.publish(anything(), no_scope()));
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert!(fake.seen().iter().all(|call| call.connection == 0));
}

#[tokio::test]
async fn an_absent_sidecar_is_unavailable_within_the_time_that_is_left() {
    let (_socket, port) = quiet();
    let error = dapr(port).publish(anything(), within(Duration::from_millis(500))).await.unwrap_err();
    assert_eq!(error.code(), SidecarCode::Unavailable);
    assert!(error.can_retry());
    let text = format!("{:#}", crate::Error::from(error));
    for part in [&format!("127.0.0.1:{port}"), "DAPR_GRPC_PORT", "dapr run", "local backend", "refused"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_sidecar_that_starts_later_gets_the_call() {
    let (socket, port) = quiet();
    let dapr = Arc::new(dapr(port));
    let caller = Arc::clone(&dapr);
    let call = tokio::spawn(async move { caller.publish(anything(), no_scope()).await });
    while dapr.grpc.failures() == 0 {
        tokio::task::yield_now().await;
    }
    let fake = Fake::on(socket.listen(8).unwrap(), |_| message(&()));
    call.await.unwrap().unwrap();
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(dapr.grpc.failures(), 0);
}

#[tokio::test]
async fn a_connection_that_was_ended_while_idle_is_replaced() {
    let fake = Fake::start(|_| message(&proto::InvokeBindingResponse::default())).await;
    let dapr = fake.dapr();
    for _ in 0..3 {
        // Not a call that may be done twice.
        dapr.invoke_binding(anything(), no_scope()).await.unwrap();
        fake.say_goodbye().await;
    }
    assert_eq!(fake.seen().iter().map(|call| call.connection).collect::<Vec<_>>(), [0, 1, 2]);
}

/// The race that a new connection cannot avoid: the call is on its way when the goodbye comes.
#[tokio::test]
async fn a_call_that_met_a_goodbye_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dapr = dapr(listener.local_addr().unwrap().port());
    let calling = dapr.invoke_binding(anything(), no_scope());
    let (answer, fake) = tokio::join!(calling, async {
        let (stream, _) = listener.accept().await.unwrap();
        say_goodbye_to_a_call(stream).await;
        Fake::on(listener, |_| message(&proto::InvokeBindingResponse::default()))
    });
    answer.unwrap();
    assert_eq!(fake.seen().len(), 1);
}

/// Answers the first request with a GOAWAY that says that no request was looked at.
async fn say_goodbye_to_a_call(mut stream: TcpStream) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&settings).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let mut frame = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut frame).await.unwrap();
        let is_headers = head[3] == 1;
        if is_headers {
            break;
        }
    }
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.write_all(&goaway).await.unwrap();
    // Until the client has read it and closed.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// A sidecar that dies at the first call of each kind.
async fn dying() -> (Fake, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let fake = Fake::start(move |_| if counted.fetch_add(1, SeqCst) == 0 { Act::HangUp } else { message(&()) }).await;
    (fake, calls)
}

#[tokio::test]
async fn a_call_is_made_again_after_its_connection_broke_if_that_does_no_harm() {
    let (fake, calls) = dying().await;
    fake.dapr().publish(anything(), no_scope()).await.unwrap();
    assert_eq!(calls.load(SeqCst), 2, "published again: a message may come twice, but it must come");

    let (fake, calls) = dying().await;
    fake.dapr().state("redis", "a".to_owned(), ReadOptions::default(), no_scope()).await.unwrap();
    assert_eq!(calls.load(SeqCst), 2, "read again");

    let (fake, calls) = dying().await;
    let error = fake.dapr().invoke_binding(anything(), no_scope()).await.unwrap_err();
    assert_eq!((error.code(), calls.load(SeqCst)), (SidecarCode::Unavailable, 1), "a binding is not called twice");
    assert!(error.message().contains("broke"), "{error}");
}

#[tokio::test]
async fn a_call_is_made_again_once_only() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let fake = Fake::start(move |_| {
        counted.fetch_add(1, SeqCst);
        Act::HangUp
    })
    .await;
    let error = fake.dapr().publish(anything(), no_scope()).await.unwrap_err();
    assert_eq!((error.code(), calls.load(SeqCst)), (SidecarCode::Unavailable, 2));
}

#[tokio::test]
async fn a_sidecar_that_does_not_answer_is_left_when_the_time_is_up() {
    let fake = Fake::silent_after(|| message(&())).await;
    let dapr = fake.dapr();
    dapr.publish(anything(), no_scope()).await.unwrap();
    let error = dapr.publish(anything(), within(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.code(), SidecarCode::DeadlineExceeded);
}

#[tokio::test]
async fn nothing_is_sent_when_the_time_is_up_already() {
    let fake = Fake::start(|_| message(&())).await;
    let error = fake.dapr().publish(anything(), within(Duration::ZERO)).await.unwrap_err();
    assert_eq!((error.code(), fake.seen().len()), (SidecarCode::DeadlineExceeded, 0));
    assert!(error.message().contains("FUNCTION_TIMEOUT"), "{error}");
}

#[tokio::test]
async fn a_unix_socket_will_do() {
    let folder = std::env::temp_dir().join(format!("functions-framework-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("dapr.socket");
    let listener = UnixListener::bind(&path).unwrap();
    let fake = Fake::start(|_| message(&())).await;
    let port = fake.port;
    tokio::spawn(async move {
        let (mut from, _) = listener.accept().await.unwrap();
        let mut to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    });
    let endpoint = Endpoint { tls: false, place: Place::Unix(path) };
    let settings = settings::Dapr { grpc_endpoint: Some(endpoint), ..settings::Dapr::default() };
    Dapr::new(&settings, 1 << 20).unwrap().publish(anything(), no_scope()).await.unwrap();
    assert_eq!(fake.seen().len(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn an_endpoint_with_tls_names_the_feature_that_is_missing() {
    let endpoint = Endpoint { tls: true, place: Place::Tcp { host: "sidecar".to_owned(), port: 443 } };
    let settings = settings::Dapr { grpc_endpoint: Some(endpoint), ..settings::Dapr::default() };
    let why = Dapr::new(&settings, 1 << 20).unwrap_err();
    assert!(why.contains("DAPR_GRPC_ENDPOINT") && why.contains("feature `tls`"), "{why}");
}
