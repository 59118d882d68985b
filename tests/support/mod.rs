//! What several test binaries share; one file a helper.

pub(crate) mod function;
pub(crate) mod gateway;
pub(crate) mod weather;

use stagewire::{
    aws::{Control, Tuning},
    model::{Target, pace::CallLimits},
};

/// A handle on a target, which in strict weather knows what the account allows, or has to learn it.
pub(crate) async fn connect(target: &Target) -> Control {
    let known = weather::limits().filter(|_| weather::is_known());
    let limits = known.map(|(per_second, burst)| CallLimits {
        per_second: Some(per_second),
        burst: Some(burst),
        share: None,
    });
    let tuning = Tuning {
        limits: limits.unwrap_or_default(),
        ..Tuning::default()
    };
    Control::connect_tuned(target, &tuning).await.unwrap()
}
