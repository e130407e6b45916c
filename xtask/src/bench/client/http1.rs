//! HTTP/1.1: one request after the other on a connection that is kept.

use std::io::{BufRead, Read, Write};

use super::Wire;
use crate::Result;

/// Sends a request and reads the whole answer; returns its status.
pub(super) fn exchange(wire: &mut Wire, request: &[u8]) -> Result<u16> {
    wire.get_mut().write_all(request)?;
    answer(wire)
}

fn answer(stream: &mut impl BufRead) -> Result<u16> {
    let status_line = line(stream)?;
    let Some(status) = status_line.split(' ').nth(1).and_then(|code| code.parse().ok()) else {
        return Err(format!("this is no HTTP/1.1 answer: {status_line:?}").into());
    };
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(stream)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.contains("chunked");
        }
    }
    match length {
        _ if status == 204 || status == 304 => {}
        Some(length) => skip(stream, length)?,
        None if chunked => {
            while let size @ 1.. = u64::from_str_radix(line(stream)?.split(';').next().unwrap_or_default().trim(), 16)? {
                skip(stream, size + 2)?;
            }
            while !line(stream)?.is_empty() {}
        }
        None => return Err("an answer has neither content-length nor chunks: the connection cannot be kept".into()),
    }
    Ok(status)
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err("the server closed the connection".into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn skip(stream: &mut impl BufRead, length: u64) -> Result {
    match std::io::copy(&mut stream.take(length), &mut std::io::sink())? {
        read if read == length => Ok(()),
        read => Err(format!("the server closed the connection after {read} of {length} bytes").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_one_another() {
        let mut stream: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHelloHTTP/1.1 204 No Content\r\n\r\n\
            HTTP/1.1 500 Internal Server Error\r\ntransfer-encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n";
        for status in [200, 204, 500] {
            assert_eq!(answer(&mut stream).unwrap(), status);
        }
        assert!(answer(&mut stream).unwrap_err().to_string().contains("closed"));
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(answer(&mut &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHell"[..]).is_err());
        assert!(answer(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).is_err());
    }
}
