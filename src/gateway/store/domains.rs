//! Custom domain names and the stages that answer under them: the part of what is served that a handshake's host is
//! looked up in.

use std::collections::{BTreeMap, HashMap};

use super::record::ApiMappingRecord;

/// A stage that answers under a custom domain name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// The region of the domain name and of the API.
    pub(crate) region: String,
    /// The API.
    pub(crate) api_id: String,
    /// The stage of the API.
    pub(crate) stage: String,
}

/// A change that a commit makes to a custom domain name.
#[derive(Debug)]
pub(super) enum DomainChange {
    /// The name exists, whether or not it did before.
    Put,
    /// The name is gone, with its mappings.
    Removed,
    MappingPut(ApiMappingRecord),
    MappingRemoved {
        id: String,
    },
}

/// All custom domain names with their mappings.
#[derive(Debug, Default)]
pub(super) struct Domains {
    /// The mappings by domain name, then by region, for each region has its own, then by mapping key.
    by_name: HashMap<String, BTreeMap<String, Keys>>,
}

type Keys = HashMap<String, ApiMappingRecord>;

impl Domains {
    /// True when a host is one of the names, or fits one that begins with `*.`.
    pub(super) fn knows(&self, host: &str) -> bool {
        self.regions_of(host).is_some()
    }

    /// Returns the stage under a key of a host.
    pub(super) fn find(&self, host: &str, key: &str) -> Option<Mapped> {
        // GUESS: on AWS the DNS decides which region a name of several leads to; here the first that maps the key does.
        let mut regions = self.regions_of(host)?.iter();
        regions.find_map(|(region, keys)| keys.get(key).map(|mapping| mapped(region, mapping)))
    }

    /// Returns all stages under a host, in no order.
    pub(super) fn all(&self, host: &str) -> Vec<Mapped> {
        let regions = self.regions_of(host).into_iter().flatten();
        regions
            .flat_map(|(region, keys)| keys.values().map(|mapping| mapped(region, mapping)))
            .collect()
    }

    /// SOURCE: the guide to custom domain names: a name that is spelled out goes before one with a wildcard, and the
    /// wildcard stands for one label.
    fn regions_of(&self, host: &str) -> Option<&BTreeMap<String, Keys>> {
        self.by_name.get(host).or_else(|| {
            let (_, parent) = host.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        })
    }

    /// Takes over one change of the name `name` in `region`.
    pub(super) fn apply(&mut self, region: &str, name: &str, change: DomainChange) {
        let regions = self.by_name.entry(name.to_owned()).or_default();
        match change {
            DomainChange::Put => {
                regions.entry(region.to_owned()).or_default();
            }
            DomainChange::Removed => {
                regions.remove(region);
            }
            DomainChange::MappingPut(mapping) => {
                let keys = regions.entry(region.to_owned()).or_default();
                // Its key may have been another one.
                keys.retain(|_, kept| kept.api_mapping_id != mapping.api_mapping_id);
                keys.insert(mapping.api_mapping_key.clone(), mapping);
            }
            DomainChange::MappingRemoved { id } => {
                if let Some(keys) = regions.get_mut(region) {
                    keys.retain(|_, kept| kept.api_mapping_id != id);
                }
            }
        }
        if regions.is_empty() {
            self.by_name.remove(name);
        }
    }
}

fn mapped(region: &str, mapping: &ApiMappingRecord) -> Mapped {
    Mapped {
        region: region.to_owned(),
        api_id: mapping.api_id.clone(),
        stage: mapping.stage.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(id: &str, key: &str, stage: &str) -> DomainChange {
        DomainChange::MappingPut(ApiMappingRecord {
            api_mapping_id: id.to_owned(),
            api_id: "a1".to_owned(),
            stage: stage.to_owned(),
            api_mapping_key: key.to_owned(),
        })
    }

    fn stage(domains: &Domains, host: &str, key: &str) -> Option<String> {
        domains.find(host, key).map(|mapped| mapped.stage)
    }

    #[test]
    fn a_wildcard_stands_for_one_label_and_gives_way_to_a_whole_name() {
        let mut domains = Domains::default();
        let (all, one) = ("*.example.com", "ws.example.com");
        domains.apply("r1", all, DomainChange::Put);
        domains.apply("r1", all, mapping("m1", "", "any"));
        assert_eq!(stage(&domains, "ws.example.com", ""), Some("any".into()));
        domains.apply("r1", one, DomainChange::Put);
        assert_eq!(stage(&domains, "ws.example.com", ""), None);
        assert_eq!(stage(&domains, "other.example.com", ""), Some("any".into()));
        for host in [
            "example.com",
            "a.b.example.com",
            "*.example.com.",
            "com",
            "",
        ] {
            assert!(!domains.knows(host), "{host}");
        }
    }

    #[test]
    fn a_changed_mapping_leaves_its_old_key() {
        let mut domains = Domains::default();
        let name = "ws.example.com";
        domains.apply("r1", name, mapping("m1", "chat", "prod"));
        domains.apply("r1", name, mapping("m1", "", "test"));
        assert_eq!(stage(&domains, "ws.example.com", "chat"), None);
        assert_eq!(stage(&domains, "ws.example.com", ""), Some("test".into()));
        let gone = DomainChange::MappingRemoved { id: "m1".into() };
        domains.apply("r1", name, gone);
        assert_eq!(stage(&domains, "ws.example.com", ""), None);
        assert!(domains.knows("ws.example.com"));
        domains.apply("r1", name, DomainChange::Removed);
        assert!(!domains.knows("ws.example.com"));
    }

    #[test]
    fn regions_keep_the_same_name_apart() {
        let mut domains = Domains::default();
        domains.apply("r1", "ws.example.com", mapping("m1", "a", "one"));
        domains.apply("r2", "ws.example.com", mapping("m2", "b", "two"));
        let found = domains.find("ws.example.com", "b").unwrap();
        assert_eq!((found.region.as_str(), found.stage.as_str()), ("r2", "two"));
        assert_eq!(domains.all("ws.example.com").len(), 2);
        domains.apply("r2", "ws.example.com", DomainChange::Removed);
        assert_eq!(stage(&domains, "ws.example.com", "b"), None);
        assert_eq!(stage(&domains, "ws.example.com", "a"), Some("one".into()));
    }
}
