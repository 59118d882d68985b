//! The backends of the demo APIs: small HTTP handlers under `/_demo/`, such as anybody would write behind an
//! `HTTP_PROXY` integration.
//!
//! The backends know of a connection only what the integration's parameter mapping tells them (`connectionId`,
//! `domainName`, `stage`), keep their own table of who is there, and answer through `@connections` over HTTP. Nothing
//! in the gateway treats them in a special way.

mod callback;
mod flood;

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use self::{callback::Callback, flood::Flood};
use super::{
    data::Plane,
    host::{Host, reachable},
    reply,
};

/// Connections that the table holds for each stage, and stages that it holds; one more takes the place of another. An
/// API without a `$disconnect` route never says who is gone, so the table must not grow with it.
const PRESENT: usize = 10_000;
const AUDIENCES: usize = 100;
/// Posts of one broadcast under way at the same time.
const BROADCAST: usize = 32;
/// Streams of messages under way at the same time.
const FLOODS: usize = 16;
/// Bytes of the answer to `big`: four frames.
const BIG_BYTES: usize = 100 * 1024;
/// Bytes of a message that `default` repeats.
const ECHO_BYTES: usize = 64 * 1024;

/// The backends and what they remember.
pub(super) struct Demo {
    plane: Arc<Plane>,
    own: SocketAddr,
    present: Mutex<HashMap<Audience, HashSet<String>>>,
    floods: Arc<Semaphore>,
}

/// The stage that connections belong to, by whichever name of the gateway its clients came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Audience {
    api_id: String,
    stage: String,
}

/// The client that caused a call, as the integration's parameter mapping says.
#[derive(Debug, Clone)]
struct Caller {
    connection_id: String,
    audience: Audience,
}

impl Demo {
    pub(super) fn new(plane: Arc<Plane>, listener: SocketAddr) -> Demo {
        Demo {
            plane,
            own: reachable(listener),
            present: Mutex::default(),
            floods: Arc::new(Semaphore::new(FLOODS)),
        }
    }

    fn present(&self) -> MutexGuard<'_, HashMap<Audience, HashSet<String>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads who called.
    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let stage = text("stage")?;
        Some(Caller {
            connection_id: text("connectionId")?,
            audience: Audience {
                api_id: self.api_of(&text("domainName")?, &stage)?,
                stage,
            },
        })
    }

    /// Returns the API that a domain name stands for, custom ones too where no two APIs have such a stage there.
    fn api_of(&self, domain_name: &str, stage: &str) -> Option<String> {
        if let Some(api_id) = api_of(domain_name, self.own) {
            return Some(api_id);
        }
        let store = &self.plane.store;
        let Host::Domain { name, .. } = Host::parse(domain_name, |name| store.is_domain_name(name))
        else {
            return None;
        };
        let mapped = store.all_mapped(&name).into_iter();
        let mut apis: Vec<_> = mapped
            .filter(|mapped| mapped.stage == stage)
            .map(|mapped| mapped.api_id)
            .collect();
        apis.sort();
        apis.dedup();
        match apis.as_slice() {
            [api_id] => Some(api_id.clone()),
            _ => None,
        }
    }

    fn callback(&self, audience: &Audience, connection_id: &str) -> Option<Callback> {
        let domain_name = format!("{}/{}", self.own, audience.api_id);
        Callback::new(&domain_name, &audience.stage, connection_id)
    }
}

/// Returns the API that a domain name stands for. Only what this gateway itself gives out as a domain name is read, and
/// only the API is taken from it, or a header could make a backend call anybody.
fn api_of(domain_name: &str, own: SocketAddr) -> Option<String> {
    let (host, port) = match domain_name.split_once('/') {
        Some((authority, api_id)) => {
            let is_id = !api_id.is_empty() && api_id.bytes().all(|it| it.is_ascii_alphanumeric());
            let is_own = authority.parse() == Ok(own);
            return (is_own && is_id).then(|| api_id.to_owned());
        }
        None => domain_name.rsplit_once(':')?,
    };
    match Host::parse(host, |_| false) {
        Host::Api { api_id, .. } if port.parse() == Ok(own.port()) => Some(api_id),
        _ => None,
    }
}

/// Answers a call of an integration.
pub(super) async fn answer(demo: &Arc<Demo>, head: &Parts, body: &Bytes) -> Response<Full<Bytes>> {
    let Some(caller) = demo.caller(&head.headers) else {
        return reply::refusal(
            StatusCode::BAD_REQUEST,
            "BadRequestException",
            "map the headers connectionId, domainName and stage to this integration's request",
        );
    };
    match head.uri.path() {
        "/_demo/connect" => connect(demo, caller, &head.headers),
        "/_demo/disconnect" => disconnect(demo, &caller),
        "/_demo/default" => echo(&head.headers, body),
        "/_demo/send" => broadcast(demo, &caller, body).await,
        "/_demo/big" => big(demo, &caller).await,
        "/_demo/tick" => tick(demo, &caller, body).await,
        _ => reply::empty(StatusCode::NOT_FOUND),
    }
}

/// Notes who is there, and agrees to the first subprotocol that the client offers.
fn connect(demo: &Demo, caller: Caller, headers: &HeaderMap) -> Response<Full<Bytes>> {
    remember(demo, caller);
    let mut response = reply::empty(StatusCode::OK);
    let offered = headers
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|names| names.to_str().ok())
        .and_then(|names| names.split(',').next())
        .and_then(|name| name.trim().parse().ok());
    if let Some(protocol) = offered {
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn remember(demo: &Demo, caller: Caller) {
    let mut present = demo.present();
    if present.len() >= AUDIENCES && !present.contains_key(&caller.audience) {
        let other = present.keys().next().cloned();
        other.and_then(|other| present.remove(&other));
    }
    let ids = present.entry(caller.audience).or_default();
    if ids.len() >= PRESENT {
        let other = ids.iter().next().cloned();
        other.and_then(|other| ids.take(&other));
    }
    ids.insert(caller.connection_id);
}

fn disconnect(demo: &Demo, caller: &Caller) -> Response<Full<Bytes>> {
    forget(demo, caller, &caller.connection_id);
    reply::empty(StatusCode::OK)
}

fn forget(demo: &Demo, caller: &Caller, connection_id: &str) {
    let mut present = demo.present();
    if let Some(ids) = present.get_mut(&caller.audience) {
        ids.remove(connection_id);
        if ids.is_empty() {
            present.remove(&caller.audience);
        }
    }
}

/// Repeats the message. What else one can send is known to the definition alone, which says it in the header `hint`; so
/// the hint is frozen with the routes that it speaks of. The route's integration is two-way, so this is the reply.
fn echo(headers: &HeaderMap, body: &Bytes) -> Response<Full<Bytes>> {
    let text = String::from_utf8_lossy(body);
    let end = text.floor_char_boundary(ECHO_BYTES);
    let sent = serde_json::from_str(&text[..end]).unwrap_or_else(|_| Value::from(&text[..end]));
    let mut answer = json!({ "echo": sent });
    let hint = headers.get("hint").map(HeaderValue::as_bytes);
    if let Some(hint) = hint.and_then(|hint| serde_json::from_slice::<Value>(hint).ok()) {
        answer["hint"] = hint;
    }
    reply::json(StatusCode::OK, answer.to_string())
}

/// Posts the message's `action` and `data` to everybody on the stage, the sender included.
async fn broadcast(demo: &Demo, caller: &Caller, body: &Bytes) -> Response<Full<Bytes>> {
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = json!({
        "from": caller.connection_id,
        "action": message.get("action"),
        "data": message.get("data"),
    });
    let text = Bytes::from(text.to_string());
    let ids: Vec<_> = {
        let present = demo.present();
        present
            .get(&caller.audience)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    };
    let posts = ids.into_iter().map(|id| {
        let text = text.clone();
        async move {
            let callback = demo.callback(&caller.audience, &id)?;
            let status = callback.post(&demo.plane.outbound, text).await?;
            (status == StatusCode::GONE).then_some(id)
        }
    });
    let gone: Vec<_> = stream::iter(posts)
        .buffer_unordered(BROADCAST)
        .filter_map(std::future::ready)
        .collect()
        .await;
    for id in gone {
        forget(demo, caller, &id);
    }
    reply::empty(StatusCode::OK)
}

/// Posts about 100 KB, which arrive in four frames.
async fn big(demo: &Demo, caller: &Caller) -> Response<Full<Bytes>> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while bytes < BIG_BYTES {
        let line = format!(
            "line {} of an answer that is longer than one frame",
            lines.len() + 1
        );
        bytes += line.len() + 3;
        lines.push(line);
    }
    let text = json!({ "lines": lines }).to_string();
    let Some(callback) = demo.callback(&caller.audience, &caller.connection_id) else {
        return reply::empty(StatusCode::BAD_REQUEST);
    };
    match callback.post(&demo.plane.outbound, Bytes::from(text)).await {
        Some(StatusCode::OK | StatusCode::GONE) => reply::empty(StatusCode::OK),
        _ => reply::empty(StatusCode::BAD_GATEWAY),
    }
}

/// Starts a stream of messages: `count` of them, `rate` a second.
async fn tick(demo: &Demo, caller: &Caller, body: &Bytes) -> Response<Full<Bytes>> {
    let Some(callback) = demo.callback(&caller.audience, &caller.connection_id) else {
        return reply::empty(StatusCode::BAD_REQUEST);
    };
    let problem = match (
        Flood::parse(body),
        Arc::clone(&demo.floods).try_acquire_owned(),
    ) {
        (Err(problem), _) => problem,
        (Ok(_), Err(_)) => "too many streams are under way; wait for one to end",
        (Ok(flood), Ok(permit)) => {
            let plane = Arc::clone(&demo.plane);
            demo.plane.spawn(async move {
                if let Err(error) = flood.run(&plane.outbound, &callback).await {
                    tracing::debug!(%error, "a demo stream ended early");
                }
                drop(permit);
            });
            return reply::empty(StatusCode::OK);
        }
    };
    let text = Bytes::from(json!({ "error": problem }).to_string());
    // The client that caused this is told or gone; there is nobody else to tell.
    let _status = callback.post(&demo.plane.outbound, text).await;
    reply::empty(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_api(domain_name: &str, own: &str, expected: Option<&str>) {
        let found = api_of(domain_name, own.parse().unwrap());
        assert_eq!(found.as_deref(), expected, "{domain_name}");
    }

    #[test]
    fn only_domain_names_that_this_gateway_gives_out_are_read() {
        let own = "127.0.0.1:4566";
        check_api("127.0.0.1:4566/a1", own, Some("a1"));
        check_api("[::1]:4566/a1", "[::1]:4566", Some("a1"));
        let by_host = "a1.execute-api.us-east-1.localhost:4566";
        check_api(by_host, own, Some("a1"));
        check_api(by_host, "192.0.2.7:4566", Some("a1"));
        for other in [
            "example.com:4566/a1",
            "127.0.0.2:4566/a1",
            "192.0.2.1:4566/a1",
            "127.0.0.1:4567/a1",
            "127.0.0.1:4566/a1/b",
            "127.0.0.1:4566/",
            "127.0.0.1:4566",
            "x.localhost:4566",
            "a1.execute-api.us-east-1.localhost:80",
            "user@127.0.0.1:4566/a1",
            "",
        ] {
            check_api(other, own, None);
        }
        check_api("example.com:4566/a1", "192.0.2.7:4566", None);
    }
}
