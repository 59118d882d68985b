//! The caller at the other end of a connection, as far as `$connect` asked: the identity that later events carry, and
//! the routes that its policy allows.

use std::{sync::Arc, time::Duration};

use crate::gateway::{
    ACCOUNT,
    access::{Credential, Wish},
};

/// The action that a policy must allow.
pub(crate) const INVOKE: &str = "execute-api:Invoke";

/// The client that connected, as far as the route asked. Kept as long as the connection, for later events speak of it.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    /// The credential whose signature the handshake carried.
    pub(crate) credential: Option<Arc<Credential>>,
    /// The context from an authorizer; boxed, since most callers had none.
    pub(crate) authorizer: Option<Box<AuthorizerContext>>,
    /// The API key that the client came with.
    pub(crate) api_key: Option<Box<BroughtKey>>,
}

/// What an authorizer said of a client, as later events carry it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuthorizerContext {
    /// The members by name, in the order of the answer; `principalId` among them if the answer has one.
    ///
    /// SOURCE: recorded on AWS, September 2026: every value is a text, in the events for functions too.
    pub(crate) members: Vec<(String, String)>,
    /// The time that the function took.
    pub(crate) latency: Duration,
}

/// An API key that a client came with.
#[derive(Debug)]
pub(crate) struct BroughtKey {
    /// GUESS: the name of the key in the settings, for the key has no id here.
    pub(crate) id: String,
    pub(crate) value: String,
}

impl AuthorizerContext {
    fn member(&self, name: &str) -> Option<&str> {
        let mut members = self.members.iter();
        let (_, value) = members.find(|(known, _)| known == name)?;
        Some(value)
    }
}

impl Caller {
    pub(crate) fn is_nobody(&self) -> bool {
        self.credential.is_none() && self.authorizer.is_none() && self.api_key.is_none()
    }

    /// Returns the context from an authorizer.
    pub(crate) fn authorizer(&self) -> Option<&AuthorizerContext> {
        self.authorizer.as_deref()
    }

    /// True when the caller may still invoke a route, by the policy of its credentials.
    pub(crate) fn may_invoke(&self, resource: impl FnOnce() -> String) -> bool {
        let Some(credential) = &self.credential else {
            return true;
        };
        credential.policy.is_none()
            || credential
                .may(&Wish {
                    action: INVOKE,
                    resource: &resource(),
                })
                .is_ok()
    }

    /// Returns a member of `$context` that speaks of the caller.
    pub(crate) fn context(&self, name: &str) -> Option<String> {
        match (name, &self.api_key) {
            ("identity.apiKey", Some(key)) => return Some(key.value.clone()),
            ("identity.apiKeyId", Some(key)) => return Some(key.id.clone()),
            _ => {}
        }
        if let Some(key) = name.strip_prefix("authorizer.") {
            return self.authorizer()?.member(key).map(str::to_owned);
        }
        let user = &self.credential.as_ref()?.user;
        match name {
            "identity.accountId" => Some(ACCOUNT.to_owned()),
            "identity.caller" | "identity.user" => Some(user.clone()),
            "identity.userArn" => Some(user_arn(user)),
            _ => None,
        }
    }
}

/// Returns why a policy does not let a caller invoke a route.
///
/// SOURCE: recorded on AWS, September 2026, of the policies of Lambda authorizers.
pub(crate) fn why_denied(explicitly: bool) -> &'static str {
    if explicitly {
        "with an explicit deny in an identity-based policy"
    } else {
        "because no identity-based policy allows the execute-api:Invoke action"
    }
}

pub(crate) fn user_arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}
