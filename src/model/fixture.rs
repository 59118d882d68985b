//! Data for the tests of all floors.

use std::collections::BTreeMap;

use super::{Api, ApiId, DeploymentId, Stage, StageName};

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

/// A stage with nothing set, which serves a deployment if one is named.
pub(crate) fn stage(name: &str, deployment: Option<&str>) -> Stage {
    Stage {
        name: StageName::parse(name).unwrap(),
        deployment_id: deployment.map(|id| DeploymentId::parse(id).unwrap()),
        description: None,
        auto_deploy: false,
        last_deployment_status_message: None,
        created_at: None,
        updated_at: None,
        default_route_settings: None,
        route_settings: BTreeMap::new(),
        variables: BTreeMap::new(),
        access_log: None,
        client_certificate_id: None,
        tags: BTreeMap::new(),
    }
}
