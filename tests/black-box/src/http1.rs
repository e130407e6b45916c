//! HTTP/1.1, byte by byte, so that a test sees what is on the wire.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::PATIENCE;

/// A request to be written.
#[derive(Debug, Clone)]
pub struct Request {
    head: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Of any method, without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into(), body: None }
    }

    /// A GET.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST with a body.
    pub fn post(path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", path).header("content-type", content_type).body(body)
    }

    /// Sends it to another path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        let mut words = self.head.splitn(3, |&byte| byte == b' ');
        let (method, rest) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        self.head = [method, b" ", path.as_bytes(), b" ", rest].concat();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(&[name.as_bytes(), b": ", value.as_ref(), b"\r\n"].concat());
        self
    }

    /// Sets the body, which is sent with its length.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if let Some(body) = &self.body {
            bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(body);
        } else {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    fn is_head(&self) -> bool {
        self.head.starts_with(b"HEAD ")
    }
}

/// What a program answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, put together when it came in chunks.
    pub body: Vec<u8>,
}

impl Response {
    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {self:?}"),
        }
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, String::from_utf8_lossy(&self.body));
        self
    }

    /// Fails unless it is a problem of this status that says no more of itself than the title and these words.
    #[track_caller]
    pub fn expect_problem(self, status: u16, detail: &str) -> Self {
        let this = self.expect(status);
        assert_eq!(this.header("content-type"), Some("application/problem+json"));
        let problem = this.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        let given = problem["detail"].as_str().unwrap_or_default();
        assert!(given.contains(detail) && given.is_empty() == detail.is_empty(), "{detail:?} is not in {problem}");
        this
    }
}

/// Connects, with an end to patience in either direction.
pub(crate) fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Opens one.
    #[track_caller]
    pub fn open(address: SocketAddr) -> Self {
        Self::try_open(address).expect("it can be connected to")
    }

    /// Opens one.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn try_open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(tcp(address)?) })
    }

    /// Sends a request and reads the answer.
    #[track_caller]
    pub fn send(&mut self, request: &Request) -> Response {
        self.try_send(request).expect("there is an answer")
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub fn try_send(&mut self, request: &Request) -> io::Result<Response> {
        self.stream.get_ref().write_all(&request.bytes())?;
        self.answer(request.is_head())
    }

    /// Sends bytes.
    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_write(bytes).expect("bytes can be sent");
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_ref().write_all(bytes.as_ref())
    }

    /// Sends bytes as one chunk of a body.
    #[track_caller]
    pub fn write_chunk(&mut self, bytes: impl AsRef<[u8]>) {
        self.write([format!("{:x}\r\n", bytes.as_ref().len()).as_bytes(), bytes.as_ref(), b"\r\n"].concat());
    }

    /// Reads a whole answer.
    #[track_caller]
    pub fn read(&mut self) -> Response {
        self.answer(false).expect("there is an answer")
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn read_answer(&mut self) -> io::Result<Response> {
        self.answer(false)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Reads the head of an answer and leaves its body.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn head(&mut self) -> io::Result<Response> {
        let status = self.line()?;
        let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let mut headers = Vec::new();
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line)?;
            let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(Response { status, headers, body: Vec::new() });
            }
            let colon = line.iter().position(|&byte| byte == b':').ok_or_else(|| io::Error::other("no header"))?;
            headers.push((String::from_utf8_lossy(&line[..colon]).to_lowercase(), line[colon + 1..].trim_ascii().to_vec()));
        }
    }

    fn answer(&mut self, no_body: bool) -> io::Result<Response> {
        let mut response = self.head()?;
        if no_body || matches!(response.status, 100..200 | 204 | 304) {
            return Ok(response);
        }
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                response.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut response.body)?;
        } else {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    /// Reads one chunk of a body; none is the last.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let mut chunk = self.take(size + 2)?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads until the other side closes, and returns what came.
    #[track_caller]
    pub fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("the connection is not closed ({error}); it sent {:?}", String::from_utf8_lossy(&rest)),
        }
    }

    /// Tells the other side that no more will be sent.
    #[track_caller]
    pub fn finish_writing(&self) {
        // It may be closed already.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }
}
