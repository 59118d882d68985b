//! The way to the host: URL, name, TCP or a proxy's tunnel, TLS. What comes out is a stream of plain bytes.

use std::{error::Error, io, net::SocketAddr, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::client::{
    legacy::connect::{HttpConnector, proxy::Tunnel},
    proxy::matcher::{Intercept, Matcher},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::model::{host, link::LinkStep};

/// The longest time that each of TCP, TLS and the handshake may take.
pub(super) const STEP_TIME: Duration = Duration::from_secs(10);

/// The longest time that a peer may be silent though the system asks it, before the connection counts as lost.
pub(super) const LOSS_TIME: Duration = Duration::from_secs(30);

/// The silence after which a peer is first asked, and the time that it has for each answer: three make up the rest of
/// `LOSS_TIME`.
const ASK_AFTER: Duration = Duration::from_secs(15);
const ASK_EVERY: Duration = Duration::from_secs(5);
const ASK_TIMES: u32 = 3;

/// A stream to the host, plain or inside TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The reason why there is no stream to the host.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("{0:?} is not a URL")]
    NotAUrl(String),
    #[error(
        "a WebSocket URL starts with ws:// or wss://, for example wss://abc123.execute-api.us-east-1.amazonaws.com/prod"
    )]
    Scheme,
    #[error("the URL names no host")]
    NoHost,
    #[error("cannot look up {host}")]
    Resolve {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("{host} has no address")]
    NoAddress { host: String },
    #[error("cannot connect to {address}")]
    Connect {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("{address} did not answer within {} s", STEP_TIME.as_secs())]
    ConnectTimedOut { address: String },
    #[error("the proxy {proxy} speaks {scheme}, and only http proxies are supported")]
    ProxyScheme { proxy: String, scheme: String },
    #[error("the proxy {proxy} did not open a tunnel")]
    Tunnel {
        proxy: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "this machine has no certificates to check the server against: install ca-certificates, or set SSL_CERT_FILE"
    )]
    NoRoots,
    #[error("{host:?} is not a name that a certificate can hold")]
    ServerName { host: String },
    #[error("TLS with {host} failed")]
    Tls {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("TLS cannot be set up")]
    TlsSetup(#[source] rustls::Error),
    #[error("{host} did not finish TLS within {} s", STEP_TIME.as_secs())]
    TlsTimedOut { host: String },
}

impl WireError {
    /// The step that failed.
    pub(super) fn step(&self) -> LinkStep {
        match self {
            Self::NotAUrl(_) | Self::Scheme | Self::NoHost => LinkStep::Request,
            Self::Resolve { .. } | Self::NoAddress { .. } => LinkStep::Resolve,
            Self::Connect { .. }
            | Self::ConnectTimedOut { .. }
            | Self::ProxyScheme { .. }
            | Self::Tunnel { .. } => LinkStep::Connect,
            Self::NoRoots
            | Self::ServerName { .. }
            | Self::Tls { .. }
            | Self::TlsSetup(_)
            | Self::TlsTimedOut { .. } => LinkStep::Tls,
        }
    }
}

/// Reads a WebSocket URL.
pub(super) fn parse_url(url: &str) -> Result<Uri, WireError> {
    let url = url.trim();
    if url
        .split_once("://")
        .is_none_or(|(scheme, _)| !matches!(scheme, "ws" | "wss"))
    {
        return Err(WireError::Scheme);
    }
    let uri: Uri = url
        .parse()
        .map_err(|_| WireError::NotAUrl(url.to_owned()))?;
    match uri.host() {
        Some(host) if !host.is_empty() => Ok(uri),
        _ => Err(WireError::NoHost),
    }
}

/// True for wss.
fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("wss")
}

/// Opens a stream to the URL's host.
pub(super) async fn open(uri: &Uri) -> Result<Box<dyn Stream>, WireError> {
    if !is_secure(uri) {
        let tcp = direct(uri).await?;
        notice_loss(&tcp);
        return Ok(Box::new(tcp));
    }
    let tcp = match proxy_for(uri, &Matcher::from_env()) {
        Some(proxy) => tunnel(uri, &proxy).await?,
        None => direct(uri).await?,
    };
    notice_loss(&tcp);
    Ok(Box::new(secure(uri, tcp).await?))
}

/// Asks the system to look after the peer: without it a connection whose cable was pulled stays open for hours.
fn notice_loss(tcp: &TcpStream) {
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new()
        .with_time(ASK_AFTER)
        .with_interval(ASK_EVERY)
        .with_retries(ASK_TIMES);
    let result = socket.set_tcp_keepalive(&keepalive);
    // The system asks nothing while something we sent waits to be acknowledged; then this bounds the wait.
    #[cfg(target_os = "linux")]
    let result = result.and_then(|()| socket.set_tcp_user_timeout(Some(LOSS_TIME)));
    if let Err(error) = result {
        tracing::debug!(%error, "a lost peer will be noticed late");
    }
}

/// The host without the brackets of an IPv6 address.
fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16()
        .unwrap_or(if is_secure(uri) { 443 } else { 80 })
}

async fn direct(uri: &Uri) -> Result<TcpStream, WireError> {
    let addresses = look_up(uri).await?;
    let mut last = WireError::NoAddress {
        host: bare_host(uri).to_owned(),
    };
    // The addresses share the time, so that one that swallows packets does not use up the others' share.
    let share = STEP_TIME / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    for address in addresses {
        match time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it the times that the tap sees would be the kernel's, not the sender's.
                let source = match stream.set_nodelay(true) {
                    Ok(()) => return Ok(stream),
                    Err(source) => source,
                };
                last = WireError::Connect { address, source };
            }
            Ok(Err(source)) => last = WireError::Connect { address, source },
            Err(_) => {
                last = WireError::ConnectTimedOut {
                    address: address.to_string(),
                }
            }
        }
    }
    Err(last)
}

/// Returns the addresses of the URL's host. Names below `.localhost` are this machine: nobody is asked for them.
async fn look_up(uri: &Uri) -> Result<Vec<SocketAddr>, WireError> {
    let (host, port) = (bare_host(uri), port(uri));
    if host::is_localhost_name(host) {
        return Ok(host::LOOPBACK.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    let found = time::timeout(STEP_TIME, tokio::net::lookup_host((host, port))).await;
    let found = found.unwrap_or_else(|elapsed| Err(elapsed.into()));
    let addresses = found.map_err(|source| WireError::Resolve {
        host: host.to_owned(),
        source,
    })?;
    Ok(addresses.collect())
}

/// The proxy that the environment wants for this host; loopback is always reached directly.
fn proxy_for(uri: &Uri, matcher: &Matcher) -> Option<Intercept> {
    if host::is_loopback(bare_host(uri)) {
        return None;
    }
    matcher.intercept(&as_https(uri)?)
}

/// The same host and port under the scheme that proxies know.
fn as_https(uri: &Uri) -> Option<Uri> {
    let host = uri.host()?;
    format!("https://{host}:{}/", port(uri)).parse().ok()
}

async fn tunnel(uri: &Uri, proxy: &Intercept) -> Result<TcpStream, WireError> {
    let name = proxy
        .uri()
        .authority()
        .map(|authority| {
            let text = authority.as_str();
            // What stands before the last "@" is a password.
            text.rsplit_once('@').map_or(text, |(_, host)| host)
        })
        .unwrap_or_default()
        .to_owned();
    let scheme = proxy.uri().scheme_str().unwrap_or("http");
    if scheme != "http" {
        return Err(WireError::ProxyScheme {
            proxy: name,
            scheme: scheme.to_owned(),
        });
    }
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(auth) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(auth.clone());
    }
    let target = as_https(uri).ok_or(WireError::NoHost)?;
    match time::timeout(STEP_TIME, tunnel.call(target)).await {
        Ok(Ok(stream)) => Ok(stream.into_inner()),
        Ok(Err(source)) => Err(WireError::Tunnel {
            proxy: name,
            source: Box::new(source),
        }),
        Err(_) => Err(WireError::ConnectTimedOut { address: name }),
    }
}

async fn secure(uri: &Uri, tcp: TcpStream) -> Result<impl Stream + use<>, WireError> {
    let host = bare_host(uri).to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|_| WireError::ServerName { host: host.clone() })?;
    let config = tls_config().await?;
    match time::timeout(STEP_TIME, TlsConnector::from(config).connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(source)) => Err(WireError::Tls { host, source }),
        Err(_) => Err(WireError::TlsTimedOut { host }),
    }
}

/// The system's certificates are read anew for each link: that takes milliseconds, and they may have been installed
/// a moment ago.
async fn tls_config() -> Result<Arc<ClientConfig>, WireError> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
        .await
        .map_err(|_| WireError::NoRoots)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        return Err(WireError::NoRoots);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(WireError::TlsSetup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(url: &str, sentence: &str) {
        let error = parse_url(url).unwrap_err();
        assert!(error.to_string().contains(sentence), "{url}: {error}");
        assert_eq!(error.step(), LinkStep::Request);
    }

    #[test]
    fn only_websocket_urls_are_taken() {
        check_refused("https://example.test/prod", "ws:// or wss://");
        check_refused("example.test/prod", "ws:// or wss://");
        check_refused("", "ws:// or wss://");
        check_refused("ws://", "not a URL");
        check_refused("ws://a b/", "not a URL");
        check_refused("ws:///prod", "not a URL");
    }

    #[tokio::test]
    async fn the_system_looks_after_the_peer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let tcp = direct(&parse_url(&url).unwrap()).await.unwrap();
        notice_loss(&tcp);
        let socket = SockRef::from(&tcp);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), ASK_AFTER);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), ASK_EVERY);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), ASK_TIMES);
        assert_eq!(ASK_AFTER + ASK_EVERY * ASK_TIMES, LOSS_TIME);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(LOSS_TIME));
    }

    #[tokio::test]
    async fn a_name_below_localhost_is_this_machine_without_anybody_being_asked() {
        let url = parse_url("ws://no.resolver.knows.this.localhost:4566/chat").unwrap();
        let addresses = look_up(&url).await.unwrap();
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["127.0.0.1:4566", "[::1]:4566"]);
    }

    #[test]
    fn port_and_host_are_read() {
        let uri = parse_url("wss://[::1]:8443/a?b=c").unwrap();
        assert_eq!((bare_host(&uri), port(&uri)), ("::1", 8443));
        assert_eq!(port(&parse_url("wss://a").unwrap()), 443);
        assert_eq!(port(&parse_url("ws://a").unwrap()), 80);
    }

    #[test]
    fn the_proxy_is_asked_for_the_host_but_never_for_loopback() {
        let matcher = Matcher::builder()
            .https("http://proxy.test:3128")
            .no("inner.test")
            .build();
        let proxied = |url| proxy_for(&parse_url(url).unwrap(), &matcher).is_some();
        assert!(proxied("wss://example.test/prod"));
        assert!(!proxied("wss://inner.test/prod"));
        assert!(!proxied("wss://localhost/prod"));
        assert!(!proxied("wss://abc.execute-api.us-east-1.localhost/prod"));
        assert!(!proxied("wss://127.0.0.1/prod"));
        assert!(!proxied("wss://[::1]/prod"));
    }
}
