//! Who is at the other end of a connection, as far as `$connect` asked: what later events say of it, and what it may do.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::gateway::{
    ACCOUNT,
    authorize::{Credential, Wish},
};

/// The action that a policy must allow.
pub(super) const INVOKE: &str = "execute-api:Invoke";

/// Who connected, as far as the route asked. Kept as long as the connection, for later events speak of it.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    /// Whose signature the handshake carried.
    pub(super) credential: Option<Arc<Credential>>,
    /// What an authorizer said of it; boxed, since most callers had none.
    pub(super) authorizer: Option<Box<Map<String, Value>>>,
    /// The API key that it came with.
    pub(super) api_key: Option<Box<BroughtKey>>,
}

/// An API key that a client came with.
#[derive(Debug)]
pub(super) struct BroughtKey {
    /// GUESS: what the settings call it, for it has no id here.
    pub(super) id: String,
    pub(super) value: String,
}

impl Caller {
    pub(super) fn is_nobody(&self) -> bool {
        self.credential.is_none() && self.authorizer.is_none() && self.api_key.is_none()
    }

    /// What an authorizer said of it.
    pub(super) fn authorizer(&self) -> Option<&Map<String, Value>> {
        self.authorizer.as_deref()
    }

    /// Whether it may still invoke a route, by the policy of its credentials.
    pub(super) fn may_invoke(&self, resource: impl FnOnce() -> String) -> bool {
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

    /// A member of `$context` that speaks of the caller.
    pub(super) fn context(&self, name: &str) -> Option<String> {
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

pub(super) fn user_arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}
