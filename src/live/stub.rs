//! The other end of a link, for tests of those who use links.

use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// Takes one connection and returns the code with which its client closed it; none when it went without a close frame.
pub(crate) async fn code_of_close(listener: TcpListener) -> Option<u16> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            code = Some(frame.code.into());
        }
    }
    code
}
