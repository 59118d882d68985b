//! Where a request is addressed: which API, by path or by host, and what is left of the path.

use std::net::{IpAddr, SocketAddr};

use percent_encoding::percent_decode_str;

/// What a host in a request is. Whether that is this gateway is for others to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// One API, as on AWS: `{apiId}.execute-api.{region}.localhost`.
    Api { api_id: String, region: String },
    /// `localhost`, or another name below it.
    Localhost,
    /// A literal address.
    Address(IpAddr),
    /// A name that the DNS decides about, or no name at all.
    Foreign,
}

/// An API and what of it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) api_id: String,
    /// Known only when the host names the API.
    pub(crate) region: Option<String>,
    /// What callbacks put before the stage: host, port, and the API's id if the path named it.
    pub(crate) domain_name: String,
    /// The rest of the path, decoded, without a slash at its end.
    pub(crate) segments: Vec<String>,
}

impl Host {
    /// Reads a host as a request writes it, with or without a port.
    pub(crate) fn parse(host: &str) -> Host {
        let name = without_port(host);
        let bracketed = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let address = match bracketed {
            Some(name) => name.parse().ok().map(IpAddr::V6),
            None => name.parse().ok().map(IpAddr::V4),
        };
        if let Some(address) = address {
            return Host::Address(address);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !name.bytes().all(is_plain) {
            return Host::Foreign;
        }
        if name == "localhost" {
            return Host::Localhost;
        }
        let Some(labels) = name.strip_suffix(".localhost") else {
            return Host::Foreign;
        };
        let mut labels = labels.splitn(3, '.');
        match (labels.next(), labels.next(), labels.next()) {
            (Some(api_id), Some("execute-api"), Some(region)) => Host::Api {
                api_id: api_id.to_owned(),
                region: region.to_owned(),
            },
            _ => Host::Localhost,
        }
    }
}

impl Place {
    /// Finds the API that a request is for. `reachable` is where clients reach the gateway.
    pub(crate) fn find(host: &Host, path: &str, reachable: SocketAddr) -> Option<Place> {
        let mut segments = Vec::new();
        for segment in path.trim_start_matches('/').split('/') {
            segments.push(percent_decode_str(segment).decode_utf8().ok()?.into_owned());
        }
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        match host {
            Host::Foreign => None,
            Host::Api { api_id, region } => Some(Place {
                api_id: api_id.clone(),
                region: Some(region.clone()),
                domain_name: format!(
                    "{api_id}.execute-api.{region}.localhost:{}",
                    reachable.port()
                ),
                segments,
            }),
            Host::Localhost | Host::Address(_) if segments.is_empty() => None,
            Host::Localhost | Host::Address(_) => {
                let api_id = segments.remove(0);
                Some(Place {
                    domain_name: format!("{reachable}/{api_id}"),
                    api_id,
                    region: None,
                    segments,
                })
            }
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1:4566";

    #[track_caller]
    fn check_host(host: &str, expected: &Host) {
        assert_eq!(&Host::parse(host), expected, "{host}");
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
    fn the_api_is_named_by_path_or_by_host() {
        let address = LOOPBACK.parse().unwrap();
        let by_path =
            Place::find(&Host::Localhost, "/a1/prod/%40connections/x%3D", address).unwrap();
        assert_eq!(by_path.api_id, "a1");
        assert_eq!(by_path.domain_name, "127.0.0.1:4566/a1");
        assert_eq!(by_path.segments, ["prod", "@connections", "x="]);
        let host = Host::parse("a1.execute-api.us-east-1.localhost:9");
        let by_host = Place::find(&host, "/prod/", address).unwrap();
        assert_eq!(
            by_host.domain_name,
            "a1.execute-api.us-east-1.localhost:4566"
        );
        assert_eq!(by_host.segments, ["prod"]);
        assert_eq!(Place::find(&Host::Localhost, "/", address), None);
        assert_eq!(Place::find(&Host::Foreign, "/a1/prod", address), None);
        assert_eq!(Place::find(&Host::Localhost, "/a1/%FF", address), None);
    }
}
