//! A deployment: a frozen copy of an API. AWS says that it exists and when it was made, never what it holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeploymentId, Fingerprint};

/// A deployment of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// The id that AWS assigned.
    pub id: DeploymentId,
    /// Free text, at most 1024 characters; ours end in a fingerprint.
    pub description: Option<String>,
    /// The deployment's status.
    pub status: DeploymentStatus,
    /// The reason why the deployment failed.
    pub status_message: Option<String>,
    /// True when a stage with autoDeploy made it.
    pub auto_deployed: bool,
    /// The time at which the deployment was made.
    pub created_at: Option<Timestamp>,
}

/// The status of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeploymentStatus {
    /// Not usable yet.
    Pending,
    /// Stages can serve it.
    Deployed,
    /// It will never be usable.
    Failed,
    /// A status this program does not know; to be read as "not yet".
    Other(String),
}

impl DeploymentStatus {
    /// Returns the status as AWS writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::Deployed => "DEPLOYED",
            Self::Failed => "FAILED",
            Self::Other(text) => text,
        }
    }
}

impl Deployment {
    /// Returns the fingerprint that the description carries, if one of us made the deployment.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::find_in(self.description.as_deref()?)
    }

    /// Returns the description without the fingerprint, as its author wrote it; none when nothing else is there.
    pub fn title(&self) -> Option<&str> {
        let title = Fingerprint::strip_from(self.description.as_deref()?);
        (!title.is_empty()).then_some(title)
    }
}
