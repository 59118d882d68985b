//! The local gateway over its real protocol: the SDK and WebSocket clients against `gateway::run`, on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod apply_as_aws;
mod authorization;
mod authorizers;
mod control;
mod control_admission;
mod control_crash;
mod control_demo;
mod control_families;
mod control_sdk;
mod control_tags;
mod data_handshake;
mod data_integrations;
mod data_lifecycle;
mod data_limits;
mod data_messages;
mod data_snapshots;
mod data_templates;
mod demo;
mod deploy_at_once;
mod deploy_interrupted;
mod deploy_lost;
mod deploy_proof;
mod deploy_weather;
mod deploys;
mod domains;
mod hostile;
mod lambda;
mod lambda_endpoint;
mod lambda_integrations;
mod lambda_invoke;
mod local_api;
mod management;
mod ops;
mod pull_apply;
mod signing;
mod stage_settings;
mod strict;
mod throttling;
mod validation;
