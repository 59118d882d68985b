//! The values that API Gateway fills in where nobody said another.
//!
//! SOURCE: the control plane's defaults of an API, an integration and a stage. A stage without a throttle has the
//! account's, which is these numbers unless AWS was asked for others.

pub(crate) const API_KEY_SOURCE: &str = "$request.header.x-api-key";
pub(crate) const ADDRESS_TYPE: &str = "ipv4";
pub(crate) const AUTHORIZATION_TYPE: &str = "NONE";
pub(crate) const CONNECTION_TYPE: &str = "INTERNET";
pub(crate) const PASSTHROUGH: &str = "WHEN_NO_MATCH";
pub(crate) const PAYLOAD_FORMAT: &str = "1.0";
pub(crate) const TIMEOUT_MS: i32 = 29_000;
/// SOURCE: reported of AWS: the method of a Lambda integration that was made without one.
pub(crate) const LAMBDA_METHOD: &str = "POST";
pub(crate) const LOGGING_LEVEL: &str = "OFF";
pub(crate) const BURST: i32 = 5000;
pub(crate) const RATE: f64 = 10_000.0;
