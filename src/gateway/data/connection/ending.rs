//! The end of a connection: its cause, the messages that still leave before the close frame, and the facts for
//! `$disconnect`.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::Pin,
    task::{Poll, ready},
    time::Duration,
};

use futures_util::{Sink, SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    outbox::{Closing, Disconnect},
    peer::Peer,
};

/// The longest time for the other end to answer a close frame, and for a refused one to stop sending.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a refused sender that are read and thrown away, so that it sees the close frame and not a reset.
const DRAIN_BYTES: usize = 1024 * 1024;

/// The end of a connection, as its `$disconnect` route is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) disconnect: Disconnect,
}

impl Ending {
    /// The TCP connection was lost. GUESS: the text.
    pub(crate) const LOST: Ending = Ending {
        code: 1006,
        reason: Cow::Borrowed("Connection closed abnormally"),
        disconnect: Disconnect::Run,
    };

    fn of_client(frame: Option<CloseFrame>) -> Ending {
        let (code, reason) = match frame {
            // SOURCE: developer guide, the `$disconnect` event.
            None => (
                1005,
                Cow::Borrowed("Client-side close frame status not set"),
            ),
            // SOURCE: recorded on AWS, September 2026: the client's own code and reason.
            Some(frame) => (frame.code.into(), Cow::Owned(frame.reason.to_string())),
        };
        Ending {
            code,
            reason,
            disconnect: Disconnect::Run,
        }
    }

    fn of_gateway(closing: &Closing) -> Ending {
        Ending {
            code: closing.code,
            reason: Cow::Borrowed(closing.reason),
            disconnect: closing.disconnect,
        }
    }
}

/// The way in which a connection is taken down.
pub(crate) enum Parting {
    /// The client closed it.
    Client(Option<CloseFrame>),
    /// The gateway closes it in good order.
    Asked(Closing),
    /// The client broke a rule and is told which.
    Refused(Closing),
    Lost,
}

impl Parting {
    pub(crate) fn of_error(error: &Error) -> Parting {
        match error {
            Error::Capacity(_) => Parting::Refused(Closing::TOO_LONG),
            Error::Utf8(_) => Parting::Refused(Closing::NOT_UTF8),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Parting::Lost,
            Error::Protocol(_) => Parting::Refused(Closing::PROTOCOL_ERROR),
            _ => Parting::Lost,
        }
    }
}

impl<S> Peer<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Takes the connection down and says how it ended.
    pub(crate) async fn end(mut self, parting: Parting) -> Ending {
        // Nobody may be told that a message was taken which the client can no longer get.
        self.plane.registry.remove(&self.connection.id);
        self.connection.outbox.close(Closing::GOING_AWAY);
        match parting {
            Parting::Lost => Ending::LOST,
            Parting::Client(frame) => {
                self.finish().await;
                Ending::of_client(frame)
            }
            Parting::Asked(closing) => {
                if self.say_goodbye(&closing).await {
                    self.finish().await;
                }
                Ending::of_gateway(&closing)
            }
            Parting::Refused(closing) => {
                if self.say_goodbye(&closing).await {
                    drain(self.socket.get_mut()).await;
                }
                Ending::of_gateway(&closing)
            }
        }
    }

    /// Writes what waits, for whoever posted it was told that it was taken, and then the close frame. False if the
    /// client did not take the frame.
    async fn say_goodbye(&mut self, closing: &Closing) -> bool {
        let writing = poll_fn(|context| {
            loop {
                let handed_over = self.write_waiting(context)?;
                ready!(Pin::new(&mut self.socket).poll_flush(context))?;
                if handed_over.is_ready() {
                    return Poll::Ready(Ok::<_, Error>(()));
                }
            }
        });
        match timeout(CLOSE_PATIENCE, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return false,
            // The close frame may still get through between two frames of a message.
            Err(_) => tracing::warn!(
                connection = self.connection.id,
                "the client did not read all that waited for it"
            ),
        }
        let frame = close_frame(closing);
        let sent = timeout(CLOSE_PATIENCE, self.socket.send(frame)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Completes the closing handshake: writes what is left of it and waits for the other end's part.
    async fn finish(&mut self) {
        let reading = async { while let Some(Ok(_)) = self.socket.next().await {} };
        if timeout(CLOSE_PATIENCE, reading).await.is_ok() {
            drain(self.socket.get_mut()).await;
        }
    }
}

fn close_frame(closing: &Closing) -> Message {
    Message::Close(Some(CloseFrame {
        code: CloseCode::from(closing.code),
        reason: Utf8Bytes::from_static(closing.reason),
    }))
}

/// Ends our half, then reads on for a while: dropping a socket with unread input makes the kernel send a reset, and the
/// close frame on its way would be lost.
async fn drain<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let draining = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut buffer = vec![0; 4096];
        let mut left = DRAIN_BYTES;
        while left > 0 {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    // Whether the other end was patient makes no difference any more.
    drop(timeout(CLOSE_PATIENCE, draining).await);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::{io::DuplexStream, time::Instant};
    use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

    use super::{super::peer, *};
    use crate::gateway::data::fixture;

    /// Returns what a client gets that reads until it sees the close frame, and then its code.
    async fn read_all(stream: DuplexStream) -> (Vec<String>, Option<u16>) {
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let mut texts = Vec::new();
        let mut code = None;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Close(frame) => code = frame.map(|frame| frame.code.into()),
                _ => {}
            }
        }
        (texts, code)
    }

    #[tokio::test]
    async fn what_was_taken_leaves_before_the_close_frame() {
        let plane = fixture::plane();
        for length in [3, 131_072] {
            let (ours, theirs) = tokio::io::duplex(1024);
            let connection = Arc::clone(&fixture::message_event("").connection);
            let posts = vec!["x".repeat(length); 3];
            for post in &posts {
                let post = Bytes::from(post.clone());
                connection.outbox.post(post).await.unwrap();
            }
            connection.outbox.close(Closing::DELETED);
            let serving = peer::serve(&plane, &connection, ours, Bytes::new());
            let (ending, (texts, code)) = tokio::join!(serving, read_all(theirs));
            assert_eq!((ending.code, code), (1000, Some(1000)));
            assert!(texts == posts, "{} of {length} bytes", texts.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_cannot_hold_up_the_end() {
        let plane = fixture::plane();
        let (ours, _theirs) = tokio::io::duplex(1024);
        let connection = Arc::clone(&fixture::message_event("").connection);
        let long = Bytes::from(vec![b'x'; 131_072]);
        connection.outbox.post(long).await.unwrap();
        connection.outbox.close(Closing::DELETED);
        let began = Instant::now();
        let ending = peer::serve(&plane, &connection, ours, Bytes::new()).await;
        assert_eq!(ending.code, 1000);
        assert!(began.elapsed() <= 3 * CLOSE_PATIENCE);
    }
}
