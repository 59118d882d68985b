//! The control plane of API Gateway through the AWS SDK, and the only place that names it.
