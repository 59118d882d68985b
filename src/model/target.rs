//! Targets of calls: an AWS profile and region, an endpoint of one's own, or the local gateway.

use std::net::SocketAddr;

/// The target of the control plane's calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// AWS, or whatever answers at the endpoint.
    Aws(AwsTarget),
    /// A local gateway.
    Local(LocalTarget),
}

/// An AWS account and region, by profile; what is `None` is left to the SDK's default chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AwsTarget {
    /// The profile in the shared configuration files.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// An endpoint instead of AWS's own.
    pub endpoint_url: Option<String>,
}

/// A local gateway's address and the region whose APIs are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalTarget {
    /// The address that the gateway listens on.
    pub address: SocketAddr,
    /// Each region has its own APIs, as on AWS.
    pub region: String,
}

impl Target {
    /// Returns the target's short name, for the breadcrumb: the profile, the endpoint's host, or `local`.
    pub fn label(&self) -> String {
        match self {
            Self::Local(_) => "local".to_owned(),
            Self::Aws(AwsTarget {
                endpoint_url: Some(url),
                ..
            }) => url
                .split_once("://")
                .map_or(url.as_str(), |(_, rest)| rest)
                .trim_end_matches('/')
                .to_owned(),
            Self::Aws(AwsTarget {
                profile: Some(profile),
                ..
            }) => profile.clone(),
            Self::Aws(_) => "default".to_owned(),
        }
    }

    /// Returns the short name with the region, if one was chosen.
    pub fn place(&self) -> String {
        let label = self.label();
        match self.region() {
            Some(region) => format!("{label} {region}"),
            None => label,
        }
    }

    /// Returns the region, if one was chosen.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Local(local) => Some(&local.region),
            Self::Aws(aws) => aws.region.as_deref(),
        }
    }
}

impl LocalTarget {
    /// Returns the control plane's URL.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }
}
