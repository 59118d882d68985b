//! A stage: a name that serves one deployment, and settings that act at once, without a deploy.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use super::{DeploymentId, StageName, limit};

/// The text that stands for a stage variable's value in a stage that was serialized.
pub const VALUE_NOT_KEPT: &str = "(not kept)";

/// A stage of an API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// The deployment that the stage serves; none means that nobody can connect.
    pub deployment_id: Option<DeploymentId>,
    /// Free text.
    pub description: Option<String>,
    /// True when AWS deploys every change by itself; then nobody can point the stage anywhere.
    pub auto_deploy: bool,
    /// The outcome of the last automatic deployment, in AWS's words.
    pub last_deployment_status_message: Option<String>,
    /// The time at which the stage was created.
    pub created_at: Option<Timestamp>,
    /// The time at which the stage or the choice of its deployment last changed.
    pub updated_at: Option<Timestamp>,
    /// Settings of every route that has none of its own.
    pub default_route_settings: Option<RouteSettings>,
    /// Settings by route key.
    pub route_settings: BTreeMap<String, RouteSettings>,
    /// Stage variables. Their values may be secrets, so that a stage is never written with them.
    #[serde(serialize_with = "names_alone")]
    pub variables: BTreeMap<String, String>,
    /// The destination and the line format of the access log.
    pub access_log: Option<AccessLogSettings>,
    /// The certificate the stage shows to backends.
    pub client_certificate_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Stage {
    /// Returns the longest time until a stage that was just made takes handshakes, where stages settle slowly; none
    /// when the stage has settled, and when it serves no deployment.
    pub fn settles_in(&self, now: Timestamp) -> Option<SignedDuration> {
        self.deployment_id.as_ref()?;
        limit::settles_in(self.created_at?, now)
    }
}

/// Settings of a route on a stage. A member that is `None` was not set: the next wider setting counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteSettings {
    /// Whole payloads in the execution log.
    pub data_trace_enabled: Option<bool>,
    /// Metrics by route.
    pub detailed_metrics_enabled: Option<bool>,
    /// `OFF`, `ERROR` or `INFO`.
    pub logging_level: Option<String>,
    /// Size of the token bucket, in messages; 0 blocks all traffic.
    pub throttling_burst_limit: Option<i32>,
    /// Messages per second; 0 blocks all traffic.
    pub throttling_rate_limit: Option<f64>,
}

/// The destination and the line format of a stage's access log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessLogSettings {
    /// The log group's ARN.
    pub destination_arn: Option<String>,
    /// The line, with `$context` variables.
    pub format: Option<String>,
}

fn names_alone<S: Serializer>(
    variables: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(variables.keys().map(|name| (name, VALUE_NOT_KEPT)))
}

impl RouteSettings {
    /// True when the throttle lets nothing through.
    pub fn blocks_all_traffic(&self) -> bool {
        self.throttling_rate_limit == Some(0.0) || self.throttling_burst_limit == Some(0)
    }

    /// Returns the throttle in words: the numbers, `account default`, or `blocks all traffic`.
    ///
    /// AWS leaves the members away until somebody sets them, and some emulators answer the account's defaults instead
    /// (5000 and 10000/s); both mean the same.
    pub fn throttle_text(&self) -> String {
        match (self.throttling_rate_limit, self.throttling_burst_limit) {
            _ if self.blocks_all_traffic() => "blocks all traffic".to_owned(),
            (None, None) => "account default".to_owned(),
            (Some(rate), Some(5000)) if (rate - 10_000.0).abs() < f64::EPSILON => {
                "account default (10000/s, burst 5000)".to_owned()
            }
            (Some(rate), Some(burst)) => format!("{rate}/s, burst {burst}"),
            (Some(rate), None) => format!("{rate}/s, burst: account default"),
            (None, Some(burst)) => format!("account default rate, burst {burst}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rate: Option<f64>, burst: Option<i32>, text: &str) {
        let settings = RouteSettings {
            throttling_rate_limit: rate,
            throttling_burst_limit: burst,
            ..RouteSettings::default()
        };
        assert_eq!(settings.throttle_text(), text);
    }

    #[test]
    fn throttle_says_when_zero_blocks() {
        check(Some(0.0), None, "blocks all traffic");
        check(None, Some(0), "blocks all traffic");
        check(Some(0.0), Some(5000), "blocks all traffic");
    }

    #[test]
    fn throttle_says_account_default_for_both_forms_of_it() {
        check(None, None, "account default");
        check(
            Some(10_000.0),
            Some(5000),
            "account default (10000/s, burst 5000)",
        );
    }

    #[test]
    fn throttle_says_the_numbers() {
        check(Some(2.5), Some(7), "2.5/s, burst 7");
        check(Some(3.0), None, "3/s, burst: account default");
    }
}
