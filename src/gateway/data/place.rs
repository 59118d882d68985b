//! Where a request is addressed: which API, by path or by host, and what is left of the path.

use std::net::{IpAddr, SocketAddr};

use percent_encoding::percent_decode_str;

/// Whom a `Host` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// This gateway; the path names the API.
    Own,
    /// One API, as on AWS: `{apiId}.execute-api.{region}.localhost`.
    Api { api_id: String, region: String },
    /// A name that has nothing to do with this gateway.
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
    /// Reads a `Host` header, with or without a port, as a gateway that listens on `listener` understands it.
    ///
    /// A gateway that listens beyond the loopback interface cannot know what it is called, so there every name is its own.
    pub(crate) fn parse(host: &str, listener: SocketAddr) -> Host {
        let name = without_port(host)
            .trim_end_matches('.')
            .to_ascii_lowercase();
        if let Some(labels) = name.strip_suffix(".localhost") {
            let mut labels = labels.splitn(3, '.');
            if let (Some(api_id), Some("execute-api"), Some(region)) =
                (labels.next(), labels.next(), labels.next())
            {
                return Host::Api {
                    api_id: api_id.to_owned(),
                    region: region.to_owned(),
                };
            }
            return Host::Own;
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let ours = match bare.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip == listener.ip() || !listener.ip().is_loopback(),
            Err(_) => name == "localhost" || !listener.ip().is_loopback(),
        };
        if ours { Host::Own } else { Host::Foreign }
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
            Host::Own if segments.is_empty() => None,
            Host::Own => {
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
    fn check_host(host: &str, listener: &str, expected: &Host) {
        assert_eq!(
            &Host::parse(host, listener.parse().unwrap()),
            expected,
            "{host}"
        );
    }

    #[test]
    fn hosts_are_told_apart() {
        for own in [
            "127.0.0.1:4566",
            "localhost",
            "LOCALHOST:1",
            "[::1]:4566",
            "127.9.9.9",
            "gateway.localhost",
        ] {
            check_host(own, LOOPBACK, &Host::Own);
        }
        for foreign in [
            "example.com",
            "192.0.2.1:4566",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "",
        ] {
            check_host(foreign, LOOPBACK, &Host::Foreign);
        }
        let api = Host::Api {
            api_id: "a1b2".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        check_host("A1b2.execute-api.eu-west-1.localhost:4566", LOOPBACK, &api);
        check_host("gateway.example", "0.0.0.0:4566", &Host::Own);
    }

    #[test]
    fn the_api_is_named_by_path_or_by_host() {
        let address = LOOPBACK.parse().unwrap();
        let by_path = Place::find(&Host::Own, "/a1/prod/%40connections/x%3D", address).unwrap();
        assert_eq!(by_path.api_id, "a1");
        assert_eq!(by_path.domain_name, "127.0.0.1:4566/a1");
        assert_eq!(by_path.segments, ["prod", "@connections", "x="]);
        let host = Host::parse("a1.execute-api.us-east-1.localhost:9", address);
        let by_host = Place::find(&host, "/prod/", address).unwrap();
        assert_eq!(
            by_host.domain_name,
            "a1.execute-api.us-east-1.localhost:4566"
        );
        assert_eq!(by_host.segments, ["prod"]);
        assert_eq!(Place::find(&Host::Own, "/", address), None);
        assert_eq!(Place::find(&Host::Foreign, "/a1/prod", address), None);
        assert_eq!(Place::find(&Host::Own, "/a1/%FF", address), None);
    }
}
