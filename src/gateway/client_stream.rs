//! A client's stream, with the manners that the HTTP library lacks.
//!
//! The stream hears its sender out before it closes: closing a socket with unread input makes the kernel send a reset,
//! and an answer on its way to a sender that has not finished would be lost. The bytes that it hears, and the time, are
//! bounded; what it hears it forgets. It gives up on a client that does not take what it is sent. And where the library
//! gives up in the middle of a request without a word, the stream is handed back, so that a word can still be said.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
    time::Sleep,
};

/// Bytes that are read and thrown away after our half is closed.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The longest time that the other end may take to close its half after we closed ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest time that the other end may take none of what it is sent.
const STALL: Duration = Duration::from_secs(30);
/// Bytes that are thrown away at a time.
const GULP: usize = 8 * 1024;

/// A stream whose shutdown is done only when the other end has closed too, or has had its time.
#[derive(Debug)]
pub(super) struct ClientStream<S> {
    /// There until the stream is taken out.
    stream: Option<S>,
    draining: Option<Draining>,
    /// Runs while the other end takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// True when something was heard since the last word that was said.
    unanswered: bool,
    /// The sender that gives the stream back when it is dropped with something unanswered.
    home: Option<oneshot::Sender<S>>,
}

/// The receiver of a stream that is dropped before its client was answered.
pub(super) type Returned<S> = oneshot::Receiver<S>;

#[derive(Debug)]
struct Draining {
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<S> ClientStream<S> {
    /// Makes a stream that hears its sender out, and nothing more.
    pub(super) fn new(stream: S) -> ClientStream<S> {
        ClientStream {
            stream: Some(stream),
            draining: None,
            stalled: None,
            unanswered: false,
            home: None,
        }
    }

    /// Makes the same stream, and the receiver that gets it if it is dropped while something that was heard is not
    /// answered.
    pub(super) fn returning(stream: S) -> (ClientStream<S>, Returned<S>) {
        let (home, returned) = oneshot::channel();
        let mut client_stream = ClientStream::new(stream);
        client_stream.home = Some(home);
        (client_stream, returned)
    }

    /// Returns the stream itself, which then is on its own.
    pub(super) fn into_inner(mut self) -> S {
        self.stream.take().expect("invariant: it is taken out once")
    }

    fn stream(&mut self) -> Pin<&mut S>
    where
        S: Unpin,
    {
        let stream = self.stream.as_mut();
        Pin::new(stream.expect("invariant: it is there until it is taken out"))
    }

    /// Notes what became of an attempt to say something; an error once the other end has taken nothing for too long.
    fn said<T>(
        &mut self,
        said: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if said.is_ready() {
            self.unanswered = false;
            self.stalled = None;
            return said;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S> Drop for ClientStream<S> {
    fn drop(&mut self) {
        if self.unanswered
            && let (Some(home), Some(stream)) = (self.home.take(), self.stream.take())
        {
            // Where nobody waits for it, it is closed.
            drop(home.send(stream));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream().poll_read(context, buffer))?;
        self.unanswered |= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.said(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, parts);
        self.said(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(S::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.draining.is_none() {
            ready!(self.stream().poll_shutdown(context))?;
            self.unanswered = false;
        }
        let mut draining = self.draining.take().unwrap_or_else(|| Draining {
            left: MOST_BYTES,
            deadline: Box::pin(tokio::time::sleep(PATIENCE)),
        });
        let drained = draining.poll(self.stream(), context);
        self.draining = Some(draining);
        drained.map(Ok)
    }
}

impl Draining {
    /// Ready when there is nothing more to hear, or enough was heard.
    fn poll<S: AsyncRead + Unpin>(
        &mut self,
        mut stream: Pin<&mut S>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut gulp = [MaybeUninit::uninit(); GULP];
        while self.left > 0 {
            let mut buffer = ReadBuf::uninit(&mut gulp);
            let read = ready!(stream.as_mut().poll_read(context, &mut buffer));
            let length = buffer.filled().len();
            // That the other end broke off is as good as that it closed.
            if read.is_err() || length == 0 {
                break;
            }
            self.left = self.left.saturating_sub(length);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_other_end_is_heard_out() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut ours = ClientStream::new(ours);
        let began = Instant::now();
        let (closed, ()) = tokio::join!(ours.shutdown(), async {
            // The end of our half is seen while the other still sends.
            assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
            theirs.write_all(&vec![b'x'; 100_000]).await.unwrap();
            theirs.shutdown().await.unwrap();
        });
        closed.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_close_is_not_waited_for_long() {
        let (ours, _theirs) = tokio::io::duplex(1024);
        let began = Instant::now();
        ClientStream::new(ours).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_stop_sending_is_cut_off() {
        let (ours, mut theirs) = tokio::io::duplex(1024 * 1024);
        let mut sent = 0;
        let sending = async {
            let part = vec![b'x'; 1024 * 1024];
            while theirs.write_all(&part).await.is_ok() {
                sent += part.len();
            }
        };
        let closing = async {
            let mut ours = ClientStream::new(ours);
            ours.shutdown().await.unwrap();
        };
        tokio::join!(sending, closing);
        assert!((MOST_BYTES..MOST_BYTES * 2).contains(&sent), "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up_on() {
        const LATE: Duration = Duration::from_secs(20);
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut ours = ClientStream::new(ours);
        let began = Instant::now();
        let long = vec![b'x'; 4096];
        let (written, ()) = tokio::join!(ours.write_all(&long), async {
            // What is taken late is taken all the same.
            tokio::time::advance(LATE).await;
            theirs.read_exact(&mut [0; 1024]).await.unwrap();
        });
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= LATE + STALL);
    }

    #[tokio::test]
    async fn a_stream_comes_home_if_what_it_heard_was_not_answered() {
        let heard = async |answer: Option<&[u8]>| {
            let (ours, mut theirs) = tokio::io::duplex(1024);
            let (mut ours, mut returned) = ClientStream::returning(ours);
            theirs.write_all(b"hello").await.unwrap();
            ours.read_exact(&mut [0; 5]).await.unwrap();
            if let Some(answer) = answer {
                ours.write_all(answer).await.unwrap();
            }
            drop(ours);
            returned.try_recv().is_ok()
        };
        assert!(heard(None).await);
        assert!(!heard(Some(b"yes")).await);
        let (silent, mut returned) = ClientStream::returning(tokio::io::duplex(1).0);
        drop(silent);
        assert!(returned.try_recv().is_err());
    }
}
