//! Identifiers as AWS assigns them: lower-case letters and digits.

use rand::RngExt;

use super::error::ApiError;
use crate::gateway::store::{Draft, Record};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

// SOURCE: recorded on AWS, September 2026, but for deployments and integrations, which are as in AWS's examples and in public
// logs.
pub(super) const API: usize = 10;
pub(super) const DEPLOYMENT: usize = 6;
pub(super) const ROUTE: usize = 7;
pub(super) const INTEGRATION: usize = 7;
pub(super) const AUTHORIZER: usize = 6;
pub(super) const ROUTE_RESPONSE: usize = 6;
// GUESS: the documentation shows six letters or digits of these.
pub(super) const INTEGRATION_RESPONSE: usize = 6;
pub(super) const MODEL: usize = 6;
pub(super) const VPC_LINK: usize = 6;
pub(super) const API_MAPPING: usize = 6;

/// Makes an id that no other child of `parent` has.
pub(super) fn fresh<R: Record>(
    draft: &Draft<'_>,
    parent: &str,
    length: usize,
) -> Result<String, ApiError> {
    loop {
        let id = random(length);
        if draft.get::<R>(parent, &id)?.is_none() {
            return Ok(id);
        }
    }
}

/// Makes an id that no other API of any region has.
pub(super) fn fresh_api(draft: &Draft<'_>) -> String {
    loop {
        let id = random(API);
        if draft.api_id_is_free(&id) {
            return id;
        }
    }
}

/// Letters and digits by chance.
pub(super) fn random(length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
        .collect()
}
