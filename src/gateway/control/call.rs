//! A call of an operation, taken apart for its handler.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{
    error::ApiError,
    wire::{self, Paging},
};
use crate::gateway::{
    ACCOUNT,
    store::{Store, View, record::ApiRecord},
};

/// The protocols of APIs.
pub(super) const WEBSOCKET: &str = "WEBSOCKET";
pub(super) const HTTP: &str = "HTTP";

/// The labels of a path, by name, decoded.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A call of an operation.
pub(super) struct Call {
    /// The operation's name.
    pub(super) operation: &'static str,
    pub(super) store: Store,
    /// The address at which clients reach the gateway.
    pub(super) address: SocketAddr,
    /// The region of the credential scope.
    pub(super) region: String,
    pub(super) labels: Labels,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Call {
    /// Returns a label of the path.
    pub(super) fn label(&self, name: &str) -> String {
        let found = self.labels.iter().find(|(label, _)| *label == name);
        let (_, value) = found.expect("invariant: a handler asks for the labels of its own path");
        value.clone()
    }

    /// Reads the body in the operation's shape.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        wire::parse(&self.body)
    }

    pub(super) fn paging(&self) -> Result<Paging, ApiError> {
        Paging::from_query(&self.query)
    }

    /// Returns the API that the path names.
    pub(super) fn api(&self) -> ApiRef {
        ApiRef {
            region: self.region.clone(),
            api_id: self.label("apiId"),
        }
    }
}

/// Names an API: each region has its own.
#[derive(Debug, Clone)]
pub(super) struct ApiRef {
    pub(super) region: String,
    pub(super) api_id: String,
}

impl ApiRef {
    /// Returns the API, or the refusal that says there is none.
    // SOURCE: the text is AWS's own, account and colon included.
    pub(super) fn find_any(&self, view: &View<'_>) -> Result<ApiRecord, ApiError> {
        view.get(&self.region, &self.api_id)?.ok_or_else(|| {
            let message = format!("Invalid API identifier specified {ACCOUNT}:{}", self.api_id);
            ApiError::not_found(message)
        })
    }

    /// Returns the WebSocket API. An HTTP API is refused, for it is known here by name and tags only.
    pub(super) fn find(&self, view: &View<'_>) -> Result<ApiRecord, ApiError> {
        let api = self.find_any(view)?;
        if api.protocol_type == HTTP {
            return Err(ApiError::bad_request(format!(
                "{} is an HTTP API. The local gateway lists, tags and deletes HTTP APIs, and serves WEBSOCKET APIs only",
                api.api_id
            )));
        }
        Ok(api)
    }
}
