//! Bytes to and from a client: the body of a response, and a connection that gives up on a client that does not read.

use std::fs::File;
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes of a file that are in memory at a time.
const CHUNK: u64 = 64 * 1024;

/// The body of a response.
pub enum Body {
    Bytes(Bytes),
    File(FilePart),
}

/// A part of a file, read as the client takes it.
pub struct FilePart {
    left: u64,
    state: State,
}

enum State {
    Ready(Option<File>),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
}

impl FilePart {
    /// `length` bytes from `from`; the file has them.
    pub fn new(mut file: File, from: u64, length: u64) -> io::Result<FilePart> {
        file.seek(SeekFrom::Start(from))?;
        Ok(FilePart { left: length, state: State::Ready(Some(file)) })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match &mut self.state {
                State::Ready(_) if self.left == 0 => return Poll::Ready(None),
                State::Ready(file) => {
                    let Some(file) = file.take() else { return Poll::Ready(None) };
                    let length = self.left.min(CHUNK);
                    self.state = State::Reading(spawn_blocking(move || chunk(file, length)));
                }
                State::Reading(reading) => {
                    let read = std::task::ready!(Pin::new(reading).poll(context));
                    let (file, bytes) = match read.map_err(io::Error::other).and_then(|read| read) {
                        Ok(read) => read,
                        Err(error) => {
                            self.state = State::Ready(None);
                            return Poll::Ready(Some(Err(error)));
                        }
                    };
                    self.left -= bytes.len() as u64;
                    self.state = State::Ready(Some(file));
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
        }
    }
}

fn chunk(file: File, length: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    let mut part = file.take(length);
    part.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
    }
    Ok((part.into_inner(), bytes.into()))
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Body::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Body::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::File(part) => part.poll(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Bytes(bytes) => bytes.is_empty(),
            Body::File(part) => part.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(part) => part.left,
        })
    }
}

/// A connection whose writes fail if the client takes nothing for a while.
pub struct Client {
    stream: TcpStream,
    limit: Duration,
    /// Set while a write waits for the client.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Client {
    pub fn new(stream: TcpStream, limit: Duration) -> Client {
        Client { stream, limit, deadline: None }
    }

    /// Passes on what a write gave, and an error if it has waited too long.
    fn within<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, bytes)
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.within(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.within(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
