//! Data for the tests of all floors.

use std::collections::BTreeMap;

use super::{Api, ApiId};

/// An API of which nothing special is said, at the usual address of the local gateway.
pub(crate) fn api(id: &str, name: &str) -> Api {
    Api {
        id: ApiId::parse(id).unwrap(),
        name: name.to_owned(),
        description: None,
        endpoint: format!("ws://127.0.0.1:4566/{id}"),
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: None,
        disable_execute_api_endpoint: false,
        disable_schema_validation: false,
        ip_address_type: None,
        version: None,
        created_at: None,
        tags: BTreeMap::new(),
    }
}
