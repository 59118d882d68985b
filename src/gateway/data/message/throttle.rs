//! Throttling: token buckets of stages and of single routes, by the limits that the stage has at this moment.
//!
//! SOURCE: developer guide, "Protect your WebSocket API": a rate and a burst limit for the stage, and for single routes
//! in its stead; a limit of 0 lets nothing through. GUESS: routes without limits of their own share the stage's bucket.
//! The account's limits, which hold where nothing is set, are not enforced: a laptop has no neighbours to protect.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

use crate::gateway::{
    bucket::{Bucket, Limit},
    store::record::{RouteSettingsRecord, StageRecord},
};

/// SOURCE: API Gateway quotas: 10,000 requests a second and 5,000 at once, where only the other limit is set.
const ACCOUNT_RATE: f64 = 10_000.0;
const ACCOUNT_BURST: f64 = 5_000.0;

/// The buckets of all stages, by API and stage.
#[derive(Debug, Default)]
pub(crate) struct Throttles {
    apis: Mutex<HashMap<String, HashMap<String, Buckets>>>,
}

/// The buckets of one stage.
#[derive(Debug, Default)]
struct Buckets {
    stage: Option<Bucket>,
    routes: HashMap<String, Bucket>,
}

impl Throttles {
    /// True when one more request of this route may pass now; the request is counted then.
    pub(crate) fn admit(&self, api_id: &str, stage: &StageRecord, route_key: &str) -> bool {
        let own = stage.route_settings.get(route_key).and_then(limit_of);
        let Some(limit) = own.or_else(|| limit_of(&stage.default_route_settings)) else {
            return true;
        };
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = entry(entry(&mut apis, api_id), &stage.stage_name);
        let now = Instant::now();
        let bucket = match own {
            Some(_) => {
                if !buckets.routes.contains_key(route_key) {
                    let bucket = Bucket::full(limit, now);
                    buckets.routes.insert(route_key.to_owned(), bucket);
                }
                buckets.routes.get_mut(route_key)
            }
            None => Some(
                buckets
                    .stage
                    .get_or_insert_with(|| Bucket::full(limit, now)),
            ),
        };
        bucket.is_none_or(|bucket| bucket.take(limit, now))
    }

    /// Forgets a stage that is gone.
    pub(crate) fn forget_stage(&self, api_id: &str, stage: &str) {
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stages) = apis.get_mut(api_id) {
            stages.remove(stage);
        }
    }

    /// Forgets the stages that are no more.
    pub(crate) fn keep(&self, is_there: impl Fn(&str, &str) -> bool) {
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        apis.retain(|api_id, stages| {
            stages.retain(|stage, _| is_there(api_id, stage));
            !stages.is_empty()
        });
    }

    /// Forgets an API that is gone.
    pub(crate) fn forget_api(&self, api_id: &str) {
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        apis.remove(api_id);
    }
}

/// Returns the value of a key, made if it is not there. The key is copied only then.
fn entry<'m, V: Default>(map: &'m mut HashMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("invariant: it was just put there")
}

/// Returns the limit that somebody set; none if nobody did.
fn limit_of(settings: &RouteSettingsRecord) -> Option<Limit> {
    let (rate, burst) = (
        settings.throttling_rate_limit,
        settings.throttling_burst_limit.map(f64::from),
    );
    (rate.is_some() || burst.is_some()).then(|| Limit {
        rate: rate.unwrap_or(ACCOUNT_RATE),
        burst: burst.unwrap_or(ACCOUNT_BURST),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gateway::clock;

    fn settings(rate: Option<f64>, burst: Option<i32>) -> RouteSettingsRecord {
        RouteSettingsRecord {
            throttling_rate_limit: rate,
            throttling_burst_limit: burst,
            ..RouteSettingsRecord::default()
        }
    }

    fn stage(default: RouteSettingsRecord, routes: &[(&str, RouteSettingsRecord)]) -> StageRecord {
        let routes = routes.iter().cloned();
        StageRecord {
            default_route_settings: default,
            route_settings: routes.map(|(key, limit)| (key.to_owned(), limit)).collect(),
            ..StageRecord::new("prod".to_owned(), clock::now())
        }
    }

    /// Returns how many of `n_tries` pass at once.
    fn passed(throttles: &Throttles, stage: &StageRecord, route: &str, n_tries: usize) -> usize {
        let tries = (0..n_tries).filter(|_| throttles.admit("a1", stage, route));
        tries.count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_does() {
        let throttles = Throttles::default();
        let stage = stage(settings(Some(2.0), Some(3)), &[]);
        assert_eq!(passed(&throttles, &stage, "join", 10), 3);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(passed(&throttles, &stage, "join", 10), 1);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(passed(&throttles, &stage, "join", 10), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_s_own_limit_stands_in_for_the_stage_s() {
        let throttles = Throttles::default();
        let stage = stage(
            settings(Some(1.0), Some(1)),
            &[("fast", settings(Some(1.0), Some(5)))],
        );
        assert_eq!(passed(&throttles, &stage, "fast", 10), 5);
        assert_eq!(passed(&throttles, &stage, "join", 10), 1);
        assert_eq!(passed(&throttles, &stage, "leave", 10), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_set_lets_everything_pass() {
        let throttles = Throttles::default();
        let stage = stage(settings(None, None), &[("slow", settings(None, None))]);
        assert_eq!(passed(&throttles, &stage, "slow", 20_000), 20_000);
    }

    #[tokio::test(start_paused = true)]
    async fn zero_blocks_all_traffic() {
        let throttles = Throttles::default();
        for blocked in [settings(Some(0.0), Some(5)), settings(Some(5.0), Some(0))] {
            let stage = stage(settings(None, None), &[("secret", blocked)]);
            assert_eq!(passed(&throttles, &stage, "secret", 10), 0);
            assert_eq!(passed(&throttles, &stage, "join", 10), 10);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_limit_acts_at_once() {
        let throttles = Throttles::default();
        let blocked = stage(settings(Some(0.0), Some(0)), &[]);
        assert_eq!(passed(&throttles, &blocked, "join", 3), 0);
        let open = stage(settings(Some(1.0), Some(2)), &[]);
        assert_eq!(passed(&throttles, &open, "join", 3), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_made_anew_starts_with_a_full_bucket() {
        let throttles = Throttles::default();
        let stage = stage(settings(Some(1.0), Some(1)), &[]);
        assert_eq!(passed(&throttles, &stage, "join", 2), 1);
        throttles.forget_stage("a1", "prod");
        assert_eq!(passed(&throttles, &stage, "join", 2), 1);
        throttles.forget_api("a1");
        assert_eq!(passed(&throttles, &stage, "join", 2), 1);
        throttles.keep(|api_id, _| api_id == "a1");
        assert_eq!(passed(&throttles, &stage, "join", 2), 0);
        throttles.keep(|_, stage| stage != "prod");
        assert_eq!(passed(&throttles, &stage, "join", 2), 1);
    }
}
