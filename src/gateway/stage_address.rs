//! Addresses of stages: a request names an API and a stage by its path, its host or a custom domain name, and has a
//! path below them.

use std::{borrow::Cow, net::SocketAddr};

use percent_encoding::percent_decode_str;

use super::{host::Host, store::Store};

/// The stage that a request is for, and the path below it. The stage need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StageAddress {
    pub(super) api_id: String,
    /// Known only when the host names the API.
    pub(super) region: Option<String>,
    /// Empty where the path should name one and does not.
    pub(super) stage: String,
    /// The text that callbacks put before the stage or the mapping's key: host, port, and the API's id if the path
    /// named it.
    pub(super) domain_name: String,
    pub(super) entrance: Entrance,
    /// The path behind the stage or the mapping's key, decoded; after a slash at its end comes an empty segment. None of
    /// that is there where all of it is slashes.
    pub(super) rest: Vec<String>,
}

/// The endpoint by which an API is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// The endpoint that every API has, unless a deployment disables it.
    Default,
    /// A custom domain name.
    Domain,
}

impl StageAddress {
    /// Finds the stage that a request is for. `reachable` is where clients reach the gateway.
    pub(super) fn find(
        host: &Host,
        path: &str,
        reachable: SocketAddr,
        store: &Store,
    ) -> Option<StageAddress> {
        let mut segments = segments_of(path);
        match host {
            Host::Foreign => None,
            Host::Domain { name, authority } => {
                StageAddress::mapped(name, authority, segments, store)
            }
            Host::Api { api_id, region } => Some(StageAddress {
                region: Some(region.clone()),
                stage: take_first(&mut segments).unwrap_or_default(),
                domain_name: format!(
                    "{api_id}.execute-api.{region}.localhost:{}",
                    reachable.port()
                ),
                api_id: api_id.clone(),
                entrance: Entrance::Default,
                rest: rest(segments),
            }),
            Host::Localhost | Host::Address(_) => {
                let api_id = take_first(&mut segments).filter(|id| !id.is_empty())?;
                Some(StageAddress {
                    region: None,
                    stage: take_first(&mut segments).unwrap_or_default(),
                    domain_name: format!("{reachable}/{api_id}"),
                    api_id,
                    entrance: Entrance::Default,
                    rest: rest(segments),
                })
            }
        }
    }

    /// SOURCE: the guide to API mappings: a key is one segment of the path, the empty one is the root, and the stage's
    /// name does not appear. GUESS: a path whose first segment is no key belongs to the root.
    fn mapped(
        name: &str,
        authority: &str,
        mut segments: Vec<String>,
        store: &Store,
    ) -> Option<StageAddress> {
        let by_key = segments.first().and_then(|key| store.mapped(name, key));
        let mapped = match by_key {
            Some(mapped) => {
                segments.remove(0);
                mapped
            }
            None => store.mapped(name, "")?,
        };
        Some(StageAddress {
            api_id: mapped.api_id,
            region: Some(mapped.region),
            stage: mapped.stage,
            domain_name: authority.to_owned(),
            entrance: Entrance::Domain,
            rest: rest(segments),
        })
    }
}

/// Splits a path and decodes its segments. Bytes that are no UTF-8 become U+FFFD, which no name and no id has.
fn segments_of(path: &str) -> Vec<String> {
    let segments = path.trim_start_matches('/').split('/');
    let decoded = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy());
    decoded.map(Cow::into_owned).collect()
}

/// Returns the segments behind a stage or a key; none where there are only slashes.
fn rest(segments: Vec<String>) -> Vec<String> {
    if segments.iter().all(String::is_empty) {
        return Vec::new();
    }
    segments
}

fn take_first(segments: &mut Vec<String>) -> Option<String> {
    (!segments.is_empty()).then(|| segments.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::StoreLocation;

    const LOOPBACK: &str = "127.0.0.1:4566";

    fn find(host: &Host, path: &str) -> Option<StageAddress> {
        let store = Store::open(&StoreLocation::Memory).unwrap();
        StageAddress::find(host, path, LOOPBACK.parse().unwrap(), &store)
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
        for (path, rest) in [
            ("/prod//", &[][..]),
            ("/prod/@connections/", &["@connections", ""]),
        ] {
            assert_eq!(find(&host, path).unwrap().rest, rest, "{path}");
        }
        assert_eq!(find(&host, "/").unwrap().stage, "");
        assert_eq!(find(&Host::Localhost, "/"), None);
        assert_eq!(find(&Host::Foreign, "/a1/prod"), None);
        let no_text = find(&Host::Localhost, "/a1/%FF").unwrap();
        assert_eq!(no_text.stage, "\u{fffd}", "which no stage is called");
    }
}
