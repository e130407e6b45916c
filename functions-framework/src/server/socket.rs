//! A socket that its connection is watched by.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::connections::Registered;

/// A socket that tells when bytes come in and go out. It holds the place of its connection, which so lasts as long as the
/// socket does: a WebSocket outlives the HTTP it came by.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// What was read to see which protocol it is, and is to be read again.
    ahead: Bytes,
    registered: Registered,
}

impl Socket {
    pub(crate) const fn new(stream: TcpStream, registered: Registered) -> Self {
        Self { stream, ahead: Bytes::new(), registered }
    }

    /// Lets what was read already be read again.
    pub(super) fn read_ahead(&mut self, bytes: &[u8]) {
        self.ahead = Bytes::copy_from_slice(bytes);
    }

    /// Tells whether bytes have come that were not read; a runtime learns it of a new socket only after a while.
    pub(super) fn is_readable(&self) -> bool {
        SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|bytes| bytes > 0)
    }

    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.registered.activity.wrote(polled.is_ready());
        polled
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() {
            self.registered.activity.read(buffer.filled());
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
