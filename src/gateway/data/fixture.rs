//! Small definitions for the data plane's unit tests.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    Plane,
    connection::registry::{Client, Connection},
    ids,
    message::event::{Event, Handshake, Kind, Parameter},
};
use crate::gateway::{
    Options,
    store::{
        Store,
        record::{
            AccessLogSettingsRecord, IntegrationRecord, IntegrationResponseRecord, RouteRecord,
            RouteResponseRecord, Serving, Snapshot, SnapshotIntegration, SnapshotRoute,
            StageRecord,
        },
    },
};

pub(super) fn snapshot(
    routes: Vec<SnapshotRoute>,
    integrations: Vec<SnapshotIntegration>,
) -> Snapshot {
    Snapshot {
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: "$request.header.x-api-key".to_owned(),
        routes,
        integrations,
        ..Snapshot::default()
    }
}

pub(super) fn route(key: &str, integration: Option<&str>) -> SnapshotRoute {
    SnapshotRoute {
        route: RouteRecord {
            route_key: key.to_owned(),
            target: integration.map(|id| format!("integrations/{id}")),
            ..RouteRecord::new(format!("r-{key}"))
        },
        responses: Vec::new(),
    }
}

pub(super) fn two_way(mut route: SnapshotRoute) -> SnapshotRoute {
    route.route.route_response_selection_expression = Some("$default".to_owned());
    route.responses = vec![RouteResponseRecord {
        route_response_id: "rr".to_owned(),
        route_response_key: "$default".to_owned(),
        ..RouteResponseRecord::default()
    }];
    route
}

pub(super) fn mock(id: &str, request_template: &str) -> SnapshotIntegration {
    SnapshotIntegration {
        integration: IntegrationRecord {
            integration_type: "MOCK".to_owned(),
            request_templates: Some(one("200", request_template)),
            template_selection_expression: Some("200".to_owned()),
            ..IntegrationRecord::new(id.to_owned())
        },
        responses: Vec::new(),
    }
}

pub(super) fn response(key: &str, template: Option<&str>) -> IntegrationResponseRecord {
    IntegrationResponseRecord {
        integration_response_id: format!("ir-{key}"),
        integration_response_key: key.to_owned(),
        response_templates: template.map(|text| one("200", text)),
        template_selection_expression: Some("200".to_owned()),
        ..IntegrationResponseRecord::default()
    }
}

pub(super) fn serving(snapshot: Snapshot) -> Serving {
    Serving {
        api_id: "a1".to_owned(),
        region: "us-east-1".to_owned(),
        stage: StageRecord {
            deployment_id: Some("d1".to_owned()),
            stage_variables: one("host", "backend.example"),
            ..StageRecord::new("prod".to_owned(), Timestamp::UNIX_EPOCH)
        },
        snapshot: Some(Arc::new(snapshot)),
    }
}

pub(super) fn message_event(text: &str) -> Event {
    event(Kind::Message(OnceLock::new()), text)
}

pub(super) fn connect_event(query: &str, headers: &[(&str, &str)]) -> Event {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    let handshake = Handshake {
        path: "/a1/prod".to_owned(),
        headers: map,
        query: query.to_owned(),
        declared: OnceLock::new(),
    };
    let event = event(Kind::Connect(handshake), "");
    let declared = [
        "header.X-Token",
        "querystring.a",
        "multivaluequerystring.b",
        "querystring.c",
    ];
    let declared = declared.map(|text| Parameter::of_request(text).unwrap());
    event.declare(&declared.into());
    event
}

pub(super) fn disconnect_event(code: u16, reason: &str) -> Event {
    let reason = reason.to_owned();
    event(Kind::Disconnect { code, reason }, "")
}

fn event(kind: Kind, text: &str) -> Event {
    let client = Client {
        api_id: "a1".to_owned(),
        stage: "prod".to_owned(),
        domain_name: "127.0.0.1:4566/a1".to_owned(),
        source_ip: [192, 0, 2, 7].into(),
        user_agent: Some("test/1".to_owned()),
    };
    let connection = Arc::new(Connection::new(ids::of_connection(), client));
    let serving = Arc::new(serving(snapshot(vec![], vec![])));
    Event::new(connection, serving, kind, Utf8Bytes::from(text))
}

/// Generates any JSON of a few levels whose members and texts are mostly of these words.
pub(super) fn json(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let word = move || {
        prop_oneof![
            9 => proptest::sample::select(words).prop_map(str::to_owned),
            1 => ".{0,4}",
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Returns the settings of a stage that logs in this format.
pub(super) fn access_log(format: &str) -> AccessLogSettingsRecord {
    AccessLogSettingsRecord {
        destination_arn: None,
        format: Some(format.to_owned()),
    }
}

/// Makes a plane without any API.
pub(super) fn plane() -> Arc<Plane> {
    let options = Options::default();
    let store = Store::open(&options.store).unwrap();
    Plane::new(store, SocketAddr::from(([127, 0, 0, 1], 1)), &options)
}

fn one(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}
