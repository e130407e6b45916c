//! An app of a few lines that a sidecar calls over HTTP: it writes down what it is called with and answers as it is told.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::Value;

use crate::eventually;

/// A call that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// `POST`, `GET`, `OPTIONS`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, put together when it came in chunks.
    pub body: Vec<u8>,
}

impl Call {
    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

/// What the app answers.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    /// A status, without a body.
    pub const fn status(status: u16) -> Self {
        Self { status, body: String::new() }
    }

    /// JSON, with 200.
    pub fn json(body: impl Into<Value>) -> Self {
        Self { status: 200, body: body.into().to_string() }
    }
}

type Answers = dyn Fn(&Call) -> Option<Answer> + Send + Sync;

/// The app: threads of this process, which take no more connections when nobody holds it any more.
pub struct App {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    gone: Arc<AtomicBool>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("address", &self.address).field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl App {
    /// Starts an app that answers what `answers` says, and else 200; subscriptions it has none.
    pub fn start(answers: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let (calls, answers): (Arc<Mutex<Vec<Call>>>, Arc<Answers>) = (Arc::default(), Arc::new(answers));
        let gone = Arc::new(AtomicBool::new(false));
        let app = Self { address, calls: Arc::clone(&calls), gone: Arc::clone(&gone) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if gone.load(Ordering::Relaxed) {
                    return;
                }
                let (calls, answers) = (Arc::clone(&calls), Arc::clone(&answers));
                // A connection that ends is how a client says good-bye.
                thread::spawn(move || serve(stream, &calls, &*answers));
            }
        });
        app
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its address, as a URL begins.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// The POSTs to a path so far.
    pub fn posts(&self, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.method == "POST" && call.path == path).collect()
    }

    /// Waits until so many POSTs have come to a path.
    #[track_caller]
    pub fn wait_for(&self, count: usize, path: &str) -> Vec<Call> {
        eventually(&format!("{path} is called"), || Some(self.posts(path)).filter(|posts| posts.len() >= count))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        // It waits for a connection; that there is one is all it needs.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(calls: &Mutex<Vec<Call>>) -> MutexGuard<'_, Vec<Call>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, calls: &Mutex<Vec<Call>>, answers: &Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(call) = read(&mut stream)? {
        let answer = answers(&call).unwrap_or_else(|| match call.path.as_str() {
            "/dapr/subscribe" => Answer::json(Value::Array(Vec::new())),
            "/dapr/config" => Answer::json(serde_json::Map::new()),
            _ => Answer::status(200),
        });
        lock(calls).push(call);
        let Answer { status, body } = answer;
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        // Without a body, 204 has no length either.
        let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        stream.get_ref().write_all(format!("HTTP/1.1 {status} \r\n{kind}{length}\r\n{body}").as_bytes())?;
    }
    Ok(())
}

/// Reads a call; none when no other comes on this connection.
fn read(stream: &mut impl BufRead) -> io::Result<Option<Call>> {
    let first = line(stream)?;
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next().filter(|method| !method.is_empty()), words.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        loop {
            let size = u64::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
            stream.by_ref().take(size).read_to_end(&mut body)?;
            line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length") {
        stream.by_ref().take(length.parse().map_err(io::Error::other)?).read_to_end(&mut body)?;
    }
    Ok(Some(Call { method: method.to_owned(), path: path.to_owned(), headers, body }))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
