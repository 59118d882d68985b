//! Plain data and pure functions: the words that every other floor speaks.
//!
//! Nothing here waits, reads a clock, rolls a die or touches the outside world, and nothing here imports another floor.
//! The facts about AWS that these types carry come from the API Gateway V2 API reference and the WebSocket chapters of
//! the API Gateway developer guide.

pub mod api;
pub mod definition;
pub mod deployment;
pub mod detail;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod failure;
pub mod file;
#[cfg(test)]
pub(crate) mod fixture;
pub mod frame;
pub mod gateway_response;
pub mod glob;
pub mod host;
pub mod id;
pub mod limit;
pub mod link;
pub mod pace;
pub mod part;
pub mod plan;
pub mod secret;
pub mod stage;
pub mod stage_update;
pub mod target;
pub mod text;
pub mod transcript;

pub use api::{Api, Authorizer, Integration, IntegrationResponse, Model, Route, RouteResponse};
pub use definition::{Definition, Fingerprint};
pub use deployment::{Deployment, DeploymentStatus};
pub use detail::{ApiDetail, Draft, DraftReading, DraftStart, StagesReading};
pub use drift::Drift;
pub use failure::{Failure, FailureKind};
pub use frame::{Direction, FrameRecord, Opcode};
pub use id::{
    ApiId, AuthorizerId, ConnectionId, DeploymentId, IntegrationId, IntegrationResponseId, LinkId,
    ModelId, PartRef, ResponseRef, RouteId, RouteResponseId, SessionId, StageName, Ticket,
};
pub use link::{ConnectRequest, LinkEvent, Outgoing, Signing};
pub use part::Part;
pub use secret::Secret;
pub use stage::{AccessLogSettings, RouteSettings, Stage};
pub use target::Target;
