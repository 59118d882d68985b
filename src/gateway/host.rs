//! The names and addresses by which somebody can mean this gateway: in a request's `Host`, and in an integration's URI.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The host that stands for this gateway in an integration's URI.
const OWN_HOST: &str = "gateway.localhost";

/// A host in a request. It is for others to say whether that is this gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// One API, as on AWS: `{apiId}.execute-api.{region}.localhost`.
    Api { api_id: String, region: String },
    /// A custom domain name that its owner stored here.
    Domain {
        name: String,
        /// With the port, if the request names one.
        authority: String,
    },
    /// `localhost`, or another name below it.
    Localhost,
    /// A literal address.
    Address(IpAddr),
    /// A name that the DNS decides about, or no name at all.
    Foreign,
}

impl Host {
    /// Reads a host as a request writes it, with or without a port. `is_domain` knows the custom domain names.
    pub(super) fn parse(host: &str, is_domain: impl FnOnce(&str) -> bool) -> Host {
        let (name, port) = split_port(host);
        if let Some(address) = address_of(name) {
            return Host::Address(address);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !name.bytes().all(is_plain) {
            return Host::Foreign;
        }
        // Whatever anybody stores, these two mean the gateway itself.
        if name == "localhost" || name == OWN_HOST {
            return Host::Localhost;
        }
        let below = name.strip_suffix(".localhost");
        if let Some(api) = below.and_then(of_api) {
            return api;
        }
        if is_domain(&name) {
            let authority = match port {
                Some(port) => format!("{name}:{port}"),
                None => name.clone(),
            };
            return Host::Domain { name, authority };
        }
        match below {
            Some(_) => Host::Localhost,
            None => Host::Foreign,
        }
    }
}

/// Reads an address; one of IPv6 stands in brackets.
fn address_of(name: &str) -> Option<IpAddr> {
    let bracketed = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bracketed {
        Some(name) => name.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    }
}

fn of_api(labels: &str) -> Option<Host> {
    let mut labels = labels.splitn(3, '.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(api_id), Some("execute-api"), Some(region)) => Some(Host::Api {
            api_id: api_id.to_owned(),
            region: region.to_owned(),
        }),
        _ => None,
    }
}

/// Returns the name and the port of a host; a port that is none stays with the name, which is then none either.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, "")) => (name, None),
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

/// True when the host of a URI is this gateway.
pub(super) fn is_own(host: &str) -> bool {
    plain_name(host) == OWN_HOST
}

/// Returns a host's name in the form in which names are compared.
pub(super) fn plain_name(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Returns the address by which a client of this machine reaches a listener, which may listen everywhere.
pub(super) fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_host(host: &str, expected: &Host) {
        assert_eq!(&Host::parse(host, |_| false), expected, "{host}");
    }

    #[test]
    fn hosts_are_told_apart() {
        for own in [
            "localhost",
            "LOCALHOST:1",
            "gateway.localhost",
            "localhost.",
        ] {
            check_host(own, &Host::Localhost);
        }
        for (text, address) in [
            ("127.0.0.1:4566", "127.0.0.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("[::1]:4566", "::1"),
        ] {
            check_host(text, &Host::Address(address.parse().unwrap()));
        }
        for foreign in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "[127.0.0.1]",
            "user@x.localhost",
            "",
        ] {
            check_host(foreign, &Host::Foreign);
        }
        let api = Host::Api {
            api_id: "a1b2".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        check_host("A1b2.execute-api.eu-west-1.localhost:4566", &api);
    }

    #[test]
    fn a_stored_name_is_a_domain_unless_it_means_something_already() {
        let parse = |host| Host::parse(host, |_| true);
        let domain = |name: &str, authority: &str| Host::Domain {
            name: name.to_owned(),
            authority: authority.to_owned(),
        };
        let named = domain("ws.example.com", "ws.example.com");
        assert_eq!(parse("WS.Example.com"), named);
        assert_eq!(parse("ws.example.com:"), named);
        let with_port = domain("ws.example.com", "ws.example.com:8080");
        assert_eq!(parse("ws.example.com.:8080"), with_port);
        let below = domain("ws.chat.localhost", "ws.chat.localhost:4566");
        assert_eq!(parse("ws.chat.localhost:4566"), below);
        assert_eq!(parse("localhost"), Host::Localhost);
        assert_eq!(parse("gateway.localhost:1"), Host::Localhost);
        assert!(matches!(parse("127.0.0.1"), Host::Address(_)));
        let api = parse("a1.execute-api.eu-west-1.localhost");
        assert!(matches!(api, Host::Api { .. }));
        assert_eq!(parse("user@ws.example.com"), Host::Foreign);
    }
}
