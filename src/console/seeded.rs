//! Seeded deployments of a gateway, kept in the journal: by whichever face of the program started the gateway.

use jiff::Timestamp;

use super::clock;
use crate::{
    gateway::{Gateway, Seeded},
    model::{Failure, FailureKind},
    ops::{
        Journal,
        journal::{Entry, JournalDir},
    },
};

/// Keeps what the gateway has just planted in the journal, as whoever deploys does: no control plane tells later what a
/// deployment holds.
pub(crate) async fn remember(journal: &Journal, gateway: &Gateway) -> Option<Failure> {
    let seeded = gateway.seeded().to_vec();
    if seeded.is_empty() {
        return None;
    }
    let journal = journal.clone();
    let endpoint = format!("http://{}", gateway.address());
    let deployed_at = clock::now();
    let kept = tokio::task::spawn_blocking(move || {
        seeded.into_iter().try_for_each(|seeded| {
            let journal_dir = JournalDir::at(&endpoint, &seeded.region);
            journal.record(&journal_dir, &entry(seeded, deployed_at))
        })
    });
    let error = kept.await.ok()?.err()?;
    let title = "What the seeded stages lack can be counted only in part";
    Some(Failure::new(FailureKind::Config, title).caused_by(&error))
}

fn entry(seeded: Seeded, deployed_at: Timestamp) -> Entry {
    Entry {
        api_id: seeded.api_id,
        deployment_id: seeded.deployment_id,
        definition: seeded.definition,
        description: seeded.description,
        deployed_at,
        stage: None,
        previous: None,
    }
}
