//! The gateway's own HTTP client, which calls the backends of integrations.
//!
//! Two names mean something of their own here. `gateway.localhost` is this gateway, on whatever port it listens, so
//! that a definition can name it without knowing the port; every other name under `localhost` is the loopback
//! interface, as RFC 6761 says, whether or not the machine's resolver knows that.
//!
//! The marks of a web page's request (`Origin`, `Sec-Fetch-*`) are passed on to every backend, as AWS does, but not to
//! this gateway: the page asked for a stage, and it is the gateway that calls itself, which no page can make it do.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, Uri, uri::Scheme};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{net::TcpStream, sync::OnceCell};
use tower_service::Service;

use super::{
    access::admission,
    host::{is_own, plain_name, reachable},
};

/// The time that an idle connection to a backend is kept; less than common servers wait for the next request.
const IDLE: Duration = Duration::from_secs(4);

/// The client. Connections are kept and used again.
#[derive(Debug)]
pub(super) struct Outbound {
    connector: Connector,
    plain: Client<Connector, Full<Bytes>>,
    /// Made at the first call that needs it: reading the machine's certificates takes a while.
    secure: OnceCell<Client<HttpsConnector<Connector>, Full<Bytes>>>,
}

/// The answer of a backend, or of an integration as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BackendResponse {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The treatment of an answer's body that is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// The call fails.
    Refused,
    /// The body is read to its end and thrown away, and the answer has no body.
    Dropped,
}

/// The reason why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The backend could not be reached, or broke off.
    #[error("the backend did not answer")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    /// The answer's body broke off or is longer than a message may be.
    #[error("the backend's answer could not be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
}

impl Outbound {
    /// Makes a client that knows where this gateway listens.
    pub(super) fn new(own: SocketAddr) -> Outbound {
        let connector = Connector {
            own: reachable(own),
        };
        Outbound {
            plain: client(connector.clone()),
            connector,
            secure: OnceCell::new(),
        }
    }

    /// Sends a request and reads the whole answer, at most `limit` bytes of it.
    pub(super) async fn call(
        &self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<BackendResponse, CallError> {
        self.call_and_read(request, limit, |_| Excess::Refused)
            .await
    }

    /// Sends a request and reads the whole answer; `excess` says by its status what becomes of a body that is longer
    /// than `limit`.
    ///
    /// Redirects are not followed: API Gateway does not follow them either.
    pub(super) async fn call_and_read(
        &self,
        mut request: Request<Full<Bytes>>,
        limit: usize,
        excess: impl FnOnce(StatusCode) -> Excess,
    ) -> Result<BackendResponse, CallError> {
        if request.uri().host().is_some_and(is_own) {
            admission::strip_page_marks(request.headers_mut());
        }
        let answered = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            self.secure().await?.request(request).await
        } else {
            self.plain.request(request).await
        };
        let (head, body) = answered.map_err(CallError::Unreachable)?.into_parts();
        let body = match excess(head.status) {
            Excess::Refused => Limited::new(body, limit)
                .collect()
                .await
                .map_err(CallError::Body)?
                .to_bytes(),
            Excess::Dropped => short_body(body, limit).await?,
        };
        Ok(BackendResponse {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    /// Opens a bare connection to a host, as a request to it would.
    pub(super) async fn open(&self, uri: &Uri) -> io::Result<TcpStream> {
        self.connector.open(uri).await
    }

    async fn secure(&self) -> Result<&Client<HttpsConnector<Connector>, Full<Bytes>>, CallError> {
        self.secure
            .get_or_try_init(|| async {
                let config = tokio::task::spawn_blocking(tls)
                    .await
                    .map_err(|_| CallError::Tls(rustls::Error::General("interrupted".into())))?
                    .map_err(CallError::Tls)?;
                let connector = HttpsConnectorBuilder::new()
                    .with_tls_config(config)
                    .https_only()
                    .enable_http1()
                    .wrap_connector(self.connector.clone());
                Ok(client(connector))
            })
            .await
    }
}

/// Returns the body, or nothing if it is longer than `limit`.
async fn short_body(mut body: Incoming, limit: usize) -> Result<Bytes, CallError> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CallError::Body(error.into()))?;
        let Ok(part) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(part.len());
        if length <= limit {
            kept.extend_from_slice(&part);
        } else {
            kept = BytesMut::new();
        }
    }
    Ok(kept.freeze())
}

fn client<C>(connector: C) -> Client<C, Full<Bytes>>
where
    C: Clone + hyper_util::client::legacy::connect::Connect,
{
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(connector)
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "cannot read a certificate store");
    }
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Opens TCP connections, knowing the names that mean something here.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    own: SocketAddr,
}

impl Connector {
    async fn open(&self, uri: &Uri) -> io::Result<TcpStream> {
        let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the URI names no host");
        let host = uri.host().ok_or_else(missing)?;
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let name = plain_name(host);
        let stream = if is_own(host) {
            TcpStream::connect(self.own).await?
        } else if name == "localhost" || name.ends_with(".localhost") {
            let loopback: [SocketAddr; 2] = [
                (Ipv4Addr::LOCALHOST, port).into(),
                (Ipv6Addr::LOCALHOST, port).into(),
            ];
            TcpStream::connect(&loopback[..]).await?
        } else {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            TcpStream::connect((bare, port)).await?
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open(&uri).await.map(TokioIo::new) })
    }
}
