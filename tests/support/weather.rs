//! How strict the gateways of this run are. Usually they let nobody wait; with `STAGEWIRE_TEST_RATES=aws` they are as
//! strict as AWS, and time passes faster by as much as the gate needs.

use std::thread;

/// How many times faster than on AWS time passes where it is strict: control calls, 300 a second with 40 at once, take 5 ms
/// each, and a stage that was moved settles within 2 s.
pub(crate) const TIME_SCALE: u32 = 30;

/// Whether gateways are as strict as AWS.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but its environment"
)]
pub(crate) fn is_strict() -> bool {
    match std::env::var("STAGEWIRE_TEST_RATES") {
        Ok(rates) => {
            assert_eq!(rates, "aws", "STAGEWIRE_TEST_RATES knows no other rates");
            true
        }
        Err(_) => false,
    }
}

/// Whether clients of this test are told what the account allows. Half of the tests' clients are; the others have to learn
/// it from refusals.
pub(crate) fn is_known() -> bool {
    let name = thread::current().name().unwrap_or_default().to_owned();
    name.bytes().fold(0, u8::wrapping_add).is_multiple_of(2)
}

/// What an account allows where it is strict: calls a second, and calls at once.
pub(crate) fn limits() -> Option<(f64, f64)> {
    is_strict().then(|| (10.0 * f64::from(TIME_SCALE), 40.0))
}
