//! A stream that hears its sender out before it closes. Closing a socket with unread input makes the kernel send a reset,
//! and an answer on its way to a sender that has not finished would be lost. How much it hears, and for how long, is
//! bounded; what it hears it forgets.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// Bytes that are read and thrown away after our half is closed.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long the other end may take to close its half after we closed ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that are thrown away at a time.
const GULP: usize = 8 * 1024;

/// A stream whose shutdown is done only when the other end has closed too, or has had its time.
#[derive(Debug)]
pub(super) struct Linger<S> {
    stream: S,
    draining: Option<Draining>,
}

#[derive(Debug)]
struct Draining {
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Linger<S> {
    pub(super) fn new(stream: S) -> Linger<S> {
        Linger {
            stream,
            draining: None,
        }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Linger { stream, draining } = &mut *self;
        if draining.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let draining = draining.get_or_insert_with(|| Draining {
            left: MOST_BYTES,
            deadline: Box::pin(tokio::time::sleep(PATIENCE)),
        });
        draining.poll(stream, context).map(Ok)
    }
}

impl Draining {
    /// Ready when there is nothing more to hear, or enough was heard.
    fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut gulp = [MaybeUninit::uninit(); GULP];
        while self.left > 0 {
            let mut buffer = ReadBuf::uninit(&mut gulp);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
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
        let mut ours = Linger::new(ours);
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
        Linger::new(ours).shutdown().await.unwrap();
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
            let mut ours = Linger::new(ours);
            ours.shutdown().await.unwrap();
        };
        tokio::join!(sending, closing);
        assert!((MOST_BYTES..MOST_BYTES * 2).contains(&sent), "{sent}");
    }
}
