//! Names of hosts: this machine's, and those of APIs on AWS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of this machine, in the order in which they are tried.
pub const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// True for a name that means this machine without anybody being asked: those below `.localhost`, which many a system's
/// resolver does not know. SOURCE: RFC 6761 §6.3.
pub fn is_localhost_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (_, last) = host.rsplit_once('.').unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// True when the host of a URL is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost") || is_localhost_name(bare),
    }
}

/// Returns the host of a URL, in brackets if it is an IPv6 address.
pub fn of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.find(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// True for the own endpoint of an API on AWS. SOURCE: developer guide, "Invoke a WebSocket API":
/// `{api}.execute-api.{region}.amazonaws.com`, in China with `.cn`.
pub fn is_api_of_aws(host: &str) -> bool {
    is_endpoint_of_api(host)
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

/// True for the own endpoint of an API, on AWS or where a gateway takes such names.
pub fn is_endpoint_of_api(host: &str) -> bool {
    host.split('.').nth(1) == Some("execute-api")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for host in [
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "localhost",
            "gw.localhost",
            "WS.Example.LocalHost.",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "example.com", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn names_below_localhost_are_told_from_the_name_that_every_system_knows() {
        assert!(is_localhost_name("ws.chat.localhost"));
        assert!(is_localhost_name("gw.localhost."));
        for host in [
            "localhost",
            "notlocalhost",
            "localhost.test",
            "127.0.0.1",
            "",
        ] {
            assert!(!is_localhost_name(host), "{host}");
        }
    }

    #[test]
    fn the_host_is_read_out_of_a_url() {
        for (url, host) in [
            ("wss://a1.example.test/prod", "a1.example.test"),
            ("ws://user:word@example.test:4566?x=1", "example.test"),
            ("ws://[::1]:4566/a/b", "[::1]"),
            ("ws://localhost", "localhost"),
        ] {
            assert_eq!(of_url(url), host, "{url}");
        }
    }

    #[test]
    fn an_api_of_aws_is_known_by_its_endpoint() {
        assert!(is_api_of_aws("a1.execute-api.eu-west-1.amazonaws.com"));
        assert!(is_api_of_aws("a1.execute-api.cn-north-1.amazonaws.com.cn"));
        for host in [
            "apigateway.eu-west-1.amazonaws.com",
            "a1.execute-api.us-east-1.localhost",
            "a1.execute-api.amazonaws.com.example.test",
        ] {
            assert!(!is_api_of_aws(host), "{host}");
        }
    }
}
