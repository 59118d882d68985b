//! Where a request is addressed: which API and stage, by path, by host or by a custom domain name, and what is left of the
//! path.

use std::net::{IpAddr, SocketAddr};

use percent_encoding::percent_decode_str;

use super::outbound::OWN_HOST;
use crate::gateway::store::Store;

/// What a host in a request is. Whether that is this gateway is for others to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
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

/// A stage, and what of it is asked for. Whether there is such a stage is for others to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) api_id: String,
    /// Known only when the host names the API.
    pub(crate) region: Option<String>,
    /// Empty where the path should name one and does not.
    pub(crate) stage: String,
    /// What callbacks put before the stage or the mapping's key: host, port, and the API's id if the path named it.
    pub(crate) domain_name: String,
    pub(crate) entrance: Entrance,
    /// The path behind the stage or the mapping's key, decoded, without a slash at its end.
    pub(crate) rest: Vec<String>,
}

/// By which of its endpoints an API is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The one that every API has, unless a deployment disables it.
    Default,
    /// A custom domain name.
    Domain,
}

impl Host {
    /// Reads a host as a request writes it, with or without a port. `is_domain` knows the custom domain names.
    pub(crate) fn parse(host: &str, is_domain: impl FnOnce(&str) -> bool) -> Host {
        let (name, port) = split_port(host);
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

impl Place {
    /// Finds the stage that a request is for. `reachable` is where clients reach the gateway.
    pub(crate) fn find(
        host: &Host,
        path: &str,
        reachable: SocketAddr,
        store: &Store,
    ) -> Option<Place> {
        let mut segments = Vec::new();
        for segment in path.trim_start_matches('/').split('/') {
            segments.push(percent_decode_str(segment).decode_utf8().ok()?.into_owned());
        }
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        match host {
            Host::Foreign => None,
            Host::Domain { name, authority } => Place::mapped(name, authority, segments, store),
            Host::Api { api_id, region } => Some(Place {
                region: Some(region.clone()),
                stage: take_first(&mut segments).unwrap_or_default(),
                domain_name: format!(
                    "{api_id}.execute-api.{region}.localhost:{}",
                    reachable.port()
                ),
                api_id: api_id.clone(),
                entrance: Entrance::Default,
                rest: segments,
            }),
            Host::Localhost | Host::Address(_) => {
                let api_id = take_first(&mut segments)?;
                Some(Place {
                    region: None,
                    stage: take_first(&mut segments).unwrap_or_default(),
                    domain_name: format!("{reachable}/{api_id}"),
                    api_id,
                    entrance: Entrance::Default,
                    rest: segments,
                })
            }
        }
    }

    /// SOURCE: the guide to API mappings: a key is one segment of the path, the empty one is the root, and the stage's name
    /// does not appear. GUESS: a path whose first segment is no key belongs to the root.
    fn mapped(
        name: &str,
        authority: &str,
        mut segments: Vec<String>,
        store: &Store,
    ) -> Option<Place> {
        let by_key = segments.first().and_then(|key| store.mapped(name, key));
        let mapped = match by_key {
            Some(mapped) => {
                segments.remove(0);
                mapped
            }
            None => store.mapped(name, "")?,
        };
        Some(Place {
            api_id: mapped.api_id,
            region: Some(mapped.region),
            stage: mapped.stage,
            domain_name: authority.to_owned(),
            entrance: Entrance::Domain,
            rest: segments,
        })
    }
}

fn take_first(segments: &mut Vec<String>) -> Option<String> {
    (!segments.is_empty()).then(|| segments.remove(0))
}

/// The name and the port of a host; a port that is none stays with the name, which is then none either.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, "")) => (name, None),
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::StoreLocation;

    const LOOPBACK: &str = "127.0.0.1:4566";

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

    fn find(host: &Host, path: &str) -> Option<Place> {
        let store = Store::open(&StoreLocation::Memory).unwrap();
        Place::find(host, path, LOOPBACK.parse().unwrap(), &store)
    }

    #[test]
    fn the_api_is_named_by_path_or_by_host() {
        let by_path = find(&Host::Localhost, "/a1/prod/%40connections/x%3D").unwrap();
        assert_eq!(by_path.api_id, "a1");
        assert_eq!(by_path.stage, "prod");
        assert_eq!(by_path.domain_name, "127.0.0.1:4566/a1");
        assert_eq!(by_path.rest, ["@connections", "x="]);
        let host = Host::parse("a1.execute-api.us-east-1.localhost:9", |_| false);
        let by_host = find(&host, "/prod/").unwrap();
        assert_eq!(
            by_host.domain_name,
            "a1.execute-api.us-east-1.localhost:4566"
        );
        assert_eq!((by_host.stage.as_str(), by_host.rest.len()), ("prod", 0));
        assert_eq!(find(&host, "/").unwrap().stage, "");
        assert_eq!(find(&Host::Localhost, "/"), None);
        assert_eq!(find(&Host::Foreign, "/a1/prod"), None);
        assert_eq!(find(&Host::Localhost, "/a1/%FF"), None);
    }
}
