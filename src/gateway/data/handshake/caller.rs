//! The caller at the other end of a connection, as far as `$connect` asked: the identity that later events carry, and
//! the routes that its policy allows.

use std::sync::Arc;

use serde_json::{Map, Value};

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
    pub(crate) authorizer: Option<Box<Map<String, Value>>>,
    /// The API key that the client came with.
    pub(crate) api_key: Option<Box<BroughtKey>>,
}

/// An API key that a client came with.
#[derive(Debug)]
pub(crate) struct BroughtKey {
    /// GUESS: the name of the key in the settings, for the key has no id here.
    pub(crate) id: String,
    pub(crate) value: String,
}

impl Caller {
    pub(crate) fn is_nobody(&self) -> bool {
        self.credential.is_none() && self.authorizer.is_none() && self.api_key.is_none()
    }

    /// Returns the context from an authorizer.
    pub(crate) fn authorizer(&self) -> Option<&Map<String, Value>> {
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
            // SOURCE: the template reference: all of them are text there.
            return match self.authorizer()?.get(key)? {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                value => Some(value.to_string()),
            };
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

pub(crate) fn user_arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}
