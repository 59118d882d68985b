//! A broadcast: one message to each of 1,000 connections through `@connections`, as a backend does it.

use std::time::Duration;

use futures_util::{StreamExt, future::join_all};
use http::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    control::Client,
    echo::connect_all,
    support::{Gateway, Socket, next_text},
};

/// Connections of the stage.
const CONNECTIONS: usize = 1_000;
/// Posts under way at the same time.
const POSTERS: usize = 16;
/// Broadcasts; the median counts.
const TURNS: usize = 5;

pub(crate) async fn run() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "$context.connectionId").await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let mut sockets = connect_all(gateway.address(), &path, CONNECTIONS).await;
    let ids: Vec<String> = join_all(sockets.iter_mut().map(own_id)).await;
    let mut times = Vec::new();
    for _ in 0..TURNS {
        let begin = Instant::now();
        let posting = ids.chunks(ids.len().div_ceil(POSTERS)).map(|share| {
            let address = gateway.address();
            let path = &path;
            async move {
                let mut client = Client::connect(address).await;
                for id in share {
                    let path = format!("{path}/@connections/{}", id.replace('=', "%3D"));
                    client
                        .call(&Method::POST, &path, &json!("hello, everybody"))
                        .await;
                }
            }
        });
        let hearing = sockets.iter_mut().map(|socket| socket.next());
        let (_, heard) = tokio::join!(join_all(posting), join_all(hearing));
        assert!(
            heard
                .into_iter()
                .all(|message| message.unwrap().unwrap().is_text())
        );
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let median: Duration = times[TURNS / 2];
    println!(
        "broadcast to {CONNECTIONS} connections by {POSTERS} posters: {:.1} ms until all have it, {:.0} messages/s",
        median.as_secs_f64() * 1e3,
        f64::from(u32::try_from(CONNECTIONS).unwrap()) / median.as_secs_f64(),
    );
}

async fn own_id(socket: &mut Socket) -> String {
    use futures_util::SinkExt;
    let asked = socket.send(tokio_tungstenite::tungstenite::Message::text("who am I"));
    asked.await.unwrap();
    next_text(socket).await
}
