//! Authorization: credentials and API keys that this gateway knows, signatures, and policy documents.
//!
//! This module knows nothing of routes or connections, and keeps nothing: whoever runs the gateway says which keys
//! there are. Key management (usage plans) is an API of version 1 and not emulated; here a key names the stages it is
//! good for.

pub(super) mod admission;
pub(super) mod authorization;
pub(super) mod policy;
pub(super) mod sigv4;

use std::sync::Arc;

use jiff::Timestamp;

use self::{
    policy::{Decision, Policy},
    sigv4::{CredentialScope, Signature, Signed, Unsigned},
};
use crate::model::Secret;

/// The service that the data plane's signatures are for.
const SERVICE: &str = "execute-api";

/// Credentials that a client may sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The token of temporary credentials, which must come along; with others none may.
    pub session_token: Option<Secret>,
    /// The owner of the credentials; shown to backends as the caller.
    pub user: String,
    /// The policy of the owner; without one the owner may do everything.
    pub policy: Option<Policy>,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub name: String,
    /// The value that a client brings.
    pub value: Secret,
    /// The stages that it is good for, as `API id/stage` with `*` and `?`; all if empty.
    pub stages: Vec<String>,
}

/// All keys that a gateway knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    /// For routes with `AWS_IAM`.
    pub credentials: Vec<Arc<Credential>>,
    /// For routes that require an API key.
    pub api_keys: Vec<ApiKey>,
}

/// The reason why a signed request may not do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAuthorized {
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    #[error("the gateway knows no access key {0}")]
    UnknownKey(String),
    #[error("the session token is missing, or is not that of the access key")]
    Token,
    #[error("the policy of {user} does not allow {action} on {resource}")]
    Denied {
        user: String,
        action: String,
        resource: String,
        /// A statement says so; otherwise none says anything.
        explicitly: bool,
    },
}

impl Keyring {
    /// Returns the credential with which a request is signed for `region`.
    pub(super) fn authenticate(
        &self,
        request: &Signed<'_>,
        region: &str,
        now: Timestamp,
    ) -> Result<&Arc<Credential>, NotAuthorized> {
        let signature = Signature::find(request)?;
        let known = self
            .credentials
            .iter()
            .find(|credential| credential.access_key_id == signature.access_key_id);
        let credential =
            known.ok_or_else(|| NotAuthorized::UnknownKey(signature.access_key_id.clone()))?;
        let scope = CredentialScope {
            region,
            service: SERVICE,
        };
        signature.verify(request, scope, credential.secret_access_key.reveal(), now)?;
        let token = credential.session_token.as_ref().map(Secret::reveal);
        if token != signature.session_token.as_deref() {
            return Err(NotAuthorized::Token);
        }
        Ok(credential)
    }

    /// Returns the API key with this value, if one is good for the stage, given as `API id/stage`.
    pub(super) fn api_key(&self, value: &str, stage: &str) -> Option<&ApiKey> {
        let is_good = |key: &ApiKey| {
            key.stages.is_empty()
                || key
                    .stages
                    .iter()
                    .any(|pattern| policy::covers(pattern, stage))
        };
        let mut known = self
            .api_keys
            .iter()
            .filter(|key| key.value.reveal() == value);
        known.find(|key| is_good(key))
    }
}

/// An action on a resource that somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// As in `execute-api:Invoke`.
    pub(super) action: &'a str,
    /// The ARN of the route.
    pub(super) resource: &'a str,
}

impl Credential {
    /// Refuses a wish that the credential's policy does not allow.
    pub(super) fn may(&self, wish: &Wish<'_>) -> Result<(), NotAuthorized> {
        let decision = self.policy.as_ref().map_or(Decision::Allowed, |policy| {
            policy.decide(wish.action, wish.resource)
        });
        match decision {
            Decision::Allowed => Ok(()),
            Decision::NotAllowed | Decision::Denied => Err(NotAuthorized::Denied {
                user: self.user.clone(),
                action: wish.action.to_owned(),
                resource: wish.resource.to_owned(),
                explicitly: decision == Decision::Denied,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str, stages: &[&str]) -> ApiKey {
        ApiKey {
            name: "partner".to_owned(),
            value: Secret::new(value),
            stages: stages.iter().map(|&stage| stage.to_owned()).collect(),
        }
    }

    #[test]
    fn an_api_key_is_good_for_the_stages_that_it_names() {
        let keyring = Keyring {
            api_keys: vec![key("one", &[]), key("two", &["k3v9x2a1bc/prod", "*/test"])],
            ..Keyring::default()
        };
        for (value, stage, is_good) in [
            ("one", "k3v9x2a1bc/prod", true),
            ("two", "k3v9x2a1bc/prod", true),
            ("two", "9f2m1q0zzx/prod", false),
            ("two", "9f2m1q0zzx/test", true),
            ("three", "9f2m1q0zzx/test", false),
            ("", "9f2m1q0zzx/test", false),
        ] {
            assert_eq!(
                keyring.api_key(value, stage).is_some(),
                is_good,
                "{value} {stage}"
            );
        }
    }
}
