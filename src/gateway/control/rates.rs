//! The rates at which AWS takes control calls, for a gateway that is to be as strict.
//!
//! SOURCE: API Gateway quotas, "for creating, deploying and managing an API": by account and region. GUESS: a call that
//! one rate refuses counts for none, and a rate without a burst takes one call at once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

use crate::gateway::bucket::{Bucket, Limit};

/// Every operation.
const ALL: &str = "*";

/// Regions whose calls are counted at the same time, before those that made none for a while are forgotten.
const REGIONS: usize = 100;

/// The rate at which an operation may be called.
#[derive(Debug)]
struct Rate {
    operation: &'static str,
    /// So many calls in so many seconds.
    calls: f64,
    seconds: f64,
    /// Calls at once.
    burst: f64,
}

const fn row(operation: &'static str, calls: f64, seconds: f64, burst: f64) -> Rate {
    Rate {
        operation,
        calls,
        seconds,
        burst,
    }
}

/// The rates, each with a bucket of its own. A call needs a token from every one that speaks of it.
#[rustfmt::skip]
static RATES: &[Rate] = &[
    row(ALL, 10.0, 1.0, 40.0),
    row("CreateDomainName", 1.0, 30.0, 1.0),
    row("UpdateDomainName", 1.0, 30.0, 1.0),
    row("DeleteDomainName", 1.0, 30.0, 1.0),
    // GUESS: the table has it for version 1; of version 2 it says nothing.
    row("CreateDeployment", 1.0, 5.0, 1.0),
    row("CreateVpcLink", 1.0, 15.0, 1.0),
    row("DeleteVpcLink", 1.0, 30.0, 1.0),
];

impl Rate {
    fn limit(&self) -> Limit {
        Limit {
            rate: self.calls / self.seconds,
            burst: self.burst,
        }
    }

    fn speaks_of(&self, operation: &str) -> bool {
        self.operation == ALL || self.operation == operation
    }
}

/// The calls of each region, counted.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// A bucket for each row of the table.
    regions: Mutex<HashMap<String, Vec<Bucket>>>,
}

impl Rates {
    /// True when one more call may be carried out now; the call is counted then. Tokens come back `pace` times as fast
    /// as on AWS.
    pub(super) fn admit(&self, region: &str, operation: &str, now: Instant, pace: f64) -> bool {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if regions.len() >= REGIONS && !regions.contains_key(region) {
            regions.retain(|_, buckets| {
                fill(buckets, now, pace);
                !buckets.iter().all(Bucket::is_full)
            });
        }
        let full = |rate: &Rate| Bucket::full(rate.limit(), now);
        let buckets = regions
            .entry(region.to_owned())
            .or_insert_with(|| RATES.iter().map(full).collect());
        fill(buckets, now, pace);
        let mut asked: Vec<&mut Bucket> = RATES
            .iter()
            .zip(buckets)
            .filter(|(rate, _)| rate.speaks_of(operation))
            .map(|(_, bucket)| bucket)
            .collect();
        let passes = asked.iter().all(|bucket| bucket.has_token());
        if passes {
            for bucket in &mut asked {
                bucket.spend();
            }
        }
        passes
    }
}

fn fill(buckets: &mut [Bucket], now: Instant, pace: f64) {
    for (rate, bucket) in RATES.iter().zip(buckets) {
        bucket.fill(rate.limit(), now, pace);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::operations, *};

    const HERE: &str = "us-east-1";

    /// Returns how many of `n_calls` are taken at once.
    fn taken(rates: &Rates, operation: &str, n_calls: usize, now: Instant) -> usize {
        let calls = (0..n_calls).filter(|_| rates.admit(HERE, operation, now, 1.0));
        calls.count()
    }

    #[test]
    fn every_row_names_an_operation_that_there_is() {
        for rate in &RATES[1..] {
            assert!(operations().any(|name| name == rate.operation), "{rate:?}");
        }
    }

    #[test]
    fn forty_calls_at_once_are_taken_and_then_ten_a_second() {
        let (rates, began) = (Rates::default(), Instant::now());
        assert_eq!(taken(&rates, "GetApis", 100, began), 40);
        let later = began + Duration::from_millis(500);
        assert_eq!(taken(&rates, "GetApis", 100, later), 5);
        let much_later = began + Duration::from_mins(1);
        assert_eq!(taken(&rates, "GetApis", 100, much_later), 40);
    }

    #[test]
    fn operations_with_a_rate_of_their_own_are_rare() {
        for (operation, seconds) in [
            ("CreateDomainName", 30),
            ("UpdateDomainName", 30),
            ("DeleteDomainName", 30),
            ("CreateDeployment", 5),
            ("CreateVpcLink", 15),
            ("DeleteVpcLink", 30),
        ] {
            let (rates, began) = (Rates::default(), Instant::now());
            assert_eq!(taken(&rates, operation, 3, began), 1, "{operation}");
            let almost = began + Duration::from_millis(seconds * 1000 - 100);
            assert_eq!(taken(&rates, operation, 3, almost), 0, "{operation}");
            let then = began + Duration::from_millis(seconds * 1000 + 100);
            assert_eq!(taken(&rates, operation, 3, then), 1, "{operation}");
        }
    }

    #[test]
    fn a_refused_call_takes_no_token() {
        let (rates, now) = (Rates::default(), Instant::now());
        assert_eq!(taken(&rates, "CreateDeployment", 100, now), 1);
        assert_eq!(taken(&rates, "GetApis", 100, now), 39);
        let rates = Rates::default();
        assert_eq!(taken(&rates, "GetApis", 40, now), 40);
        assert_eq!(taken(&rates, "CreateDeployment", 1, now), 0);
        let soon = now + Duration::from_millis(150);
        assert_eq!(taken(&rates, "CreateDeployment", 1, soon), 1);
    }

    #[test]
    fn each_region_has_its_own_rates_and_many_of_them_do_not_fill_the_memory() {
        let (rates, began) = (Rates::default(), Instant::now());
        assert_eq!(taken(&rates, "GetApis", 100, began), 40);
        assert!(rates.admit("eu-west-1", "GetApis", began, 1.0));
        for idx in 0..10 * REGIONS {
            let now = began + Duration::from_secs(idx as u64);
            assert!(rates.admit(&format!("r{idx}"), "GetApis", now, 1.0));
            assert!(rates.regions.lock().unwrap().len() <= REGIONS);
        }
    }

    #[test]
    fn tokens_come_back_as_fast_as_time_passes() {
        let (rates, began) = (Rates::default(), Instant::now());
        assert_eq!(taken(&rates, "CreateDeployment", 1, began), 1);
        let soon = began + Duration::from_millis(100);
        assert!(!rates.admit(HERE, "CreateDeployment", soon, 1.0));
        let sooner = soon + Duration::from_millis(1);
        assert!(rates.admit(HERE, "CreateDeployment", sooner, 6000.0));
    }
}
