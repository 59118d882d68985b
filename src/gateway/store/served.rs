//! The deployment that a stage serves, and those that it served before. On AWS a stage that was moved does not serve
//! the new deployment alone at once; here it does, unless a time is set within which stages settle.
//!
//! SOURCE: recorded on AWS: for 45 to 90 s after `UpdateStage` messages on open sockets, and handshakes, met the old
//! and the new deployment by chance, and a stage that was just created answered handshakes with 403. GUESS: each of the
//! deployments that may answer is as likely; what served nothing before is as good as new; and of a deployment that was
//! deleted meanwhile nothing is left.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    record::{Serving, Snapshot},
    serving_cache::Absent,
};

/// Deployments that a stage remembers; one more takes the place of the oldest.
const MOST: usize = 100;

/// A stage.
#[derive(Debug)]
pub(super) struct Served {
    /// The current deployment of the stage, and its settings.
    pub(super) serving: Arc<Serving>,
    /// The deployments that the stage served before, oldest first, each once. Empty where stages settle at once.
    past: Vec<Past>,
}

/// A deployment, or none, that a stage served until it was moved.
#[derive(Debug)]
struct Past {
    deployment_id: Option<String>,
    /// The frozen copy of the deployment; none where the stage served nothing, or was not there.
    snapshot: Option<Arc<Snapshot>>,
    ended: Instant,
}

impl Past {
    fn may_answer(&self, settling_time: Duration, now: Instant) -> bool {
        now.duration_since(self.ended) < settling_time
    }
}

impl Served {
    /// Makes the entry of a stage that was there before.
    pub(super) fn existing(serving: Arc<Serving>) -> Served {
        Served {
            serving,
            past: Vec::new(),
        }
    }

    /// Makes the entry of a stage that was just made.
    pub(super) fn created(serving: Arc<Serving>, settling_time: Duration, now: Instant) -> Served {
        let mut served = Served::existing(serving);
        served.remember(None, None, now);
        served.forget_older_than(settling_time, now);
        served
    }

    /// Takes over what a write made of the stage.
    pub(super) fn put(&mut self, serving: Arc<Serving>, settling_time: Duration, now: Instant) {
        let before = std::mem::replace(&mut self.serving, serving);
        let deployment_id = self.serving.stage.deployment_id.as_ref();
        if before.stage.deployment_id.as_ref() == deployment_id {
            return;
        }
        self.past
            .retain(|past| past.deployment_id.as_ref() != deployment_id);
        let before_id = before.stage.deployment_id.clone();
        self.remember(before_id, before.snapshot.clone(), now);
        self.forget_older_than(settling_time, now);
    }

    /// Forgets a deployment that is no more.
    pub(super) fn forget(&mut self, deployment_id: &str) {
        self.past
            .retain(|past| past.deployment_id.as_deref() != Some(deployment_id));
    }

    /// Forgets what may not answer any more.
    pub(super) fn forget_older_than(&mut self, settling_time: Duration, now: Instant) {
        self.past.retain(|past| past.may_answer(settling_time, now));
    }

    /// True when the stage answers by its current deployment alone, for sure.
    pub(super) fn is_settled(&self) -> bool {
        self.past.is_empty()
    }

    /// Returns what answers now: `choose` gives one of so many, counted from 0. A stage that is new is not there yet.
    pub(super) fn answering(
        &self,
        settling_time: Duration,
        now: Instant,
        choose: impl FnOnce(usize) -> usize,
    ) -> Result<Arc<Serving>, Absent> {
        let mut may_answer = Vec::new();
        for past in &self.past {
            if past.may_answer(settling_time, now) {
                may_answer.push((past, past.snapshot.as_ref().ok_or(Absent::Stage)?));
            }
        }
        let Some((past, snapshot)) = may_answer.get(choose(may_answer.len() + 1)) else {
            return Ok(Arc::clone(&self.serving));
        };
        // The settings are those of the stage, which act at once.
        let mut serving = Serving::clone(&self.serving);
        serving.stage.deployment_id.clone_from(&past.deployment_id);
        serving.snapshot = Some(Arc::clone(snapshot));
        Ok(Arc::new(serving))
    }

    fn remember(
        &mut self,
        deployment_id: Option<String>,
        snapshot: Option<Arc<Snapshot>>,
        ended: Instant,
    ) {
        if self.past.len() >= MOST {
            self.past.remove(0);
        }
        self.past.push(Past {
            deployment_id,
            snapshot,
            ended,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{record::StageRecord, tests},
        *,
    };

    const WITHIN: Duration = Duration::from_mins(1);

    /// Returns what a stage of this deployment serves, with a description that tells writes apart.
    fn serving(deployment_id: Option<&str>, description: &str) -> Arc<Serving> {
        Arc::new(Serving {
            api_id: "a1".to_owned(),
            region: "us-east-1".to_owned(),
            stage: StageRecord {
                description: Some(description.to_owned()),
                ..tests::stage("prod", deployment_id)
            },
            snapshot: deployment_id.map(|_| Arc::default()),
        })
    }

    /// Returns the deployments that may answer, in the order of their ids; none where the stage is not there.
    fn answers(served: &Served, now: Instant) -> Vec<String> {
        let mut ids = BTreeSet::new();
        let mut n_choices = 1;
        let mut choice = 0;
        while choice < n_choices {
            let answering = served.answering(WITHIN, now, |n| {
                n_choices = n;
                choice
            });
            let Ok(serving) = answering else {
                return Vec::new();
            };
            assert!(serving.snapshot.is_some());
            ids.extend(serving.stage.deployment_id.clone());
            choice += 1;
        }
        assert_eq!(ids.len(), n_choices, "each once");
        ids.into_iter().collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_a_move_both_deployments_answer_until_it_has_settled() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d1"), ""));
        assert_eq!(answers(&served, began), ["d1"]);
        served.put(serving(Some("d2"), ""), WITHIN, began);
        assert_eq!(answers(&served, began), ["d1", "d2"]);
        assert_eq!(answers(&served, began + seconds(59)), ["d1", "d2"]);
        assert_eq!(answers(&served, began + seconds(60)), ["d2"]);
    }

    #[test]
    fn of_several_moves_each_settles_in_its_own_time() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d1"), ""));
        served.put(serving(Some("d2"), ""), WITHIN, began);
        served.put(serving(Some("d3"), ""), WITHIN, began + seconds(30));
        assert_eq!(answers(&served, began + seconds(59)), ["d1", "d2", "d3"]);
        assert_eq!(answers(&served, began + seconds(61)), ["d2", "d3"]);
        assert_eq!(answers(&served, began + seconds(91)), ["d3"]);
    }

    #[test]
    fn moving_back_starts_the_time_anew() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d1"), ""));
        served.put(serving(Some("d2"), ""), WITHIN, began);
        served.put(serving(Some("d1"), ""), WITHIN, began + seconds(50));
        assert_eq!(answers(&served, began + seconds(109)), ["d1", "d2"]);
        assert_eq!(answers(&served, began + seconds(110)), ["d1"]);
    }

    #[test]
    fn a_stage_that_is_new_or_served_nothing_is_not_there_yet() {
        let began = Instant::now();
        let mut served = Served::created(serving(None, ""), WITHIN, began);
        served.put(serving(Some("d1"), ""), WITHIN, began + seconds(50));
        assert_eq!(answers(&served, began + seconds(109)), [""; 0]);
        assert_eq!(answers(&served, began + seconds(110)), ["d1"]);
        let made = Served::created(serving(Some("d1"), ""), WITHIN, began);
        assert_eq!(answers(&made, began + seconds(59)), [""; 0]);
        assert_eq!(answers(&made, began + seconds(60)), ["d1"]);
    }

    #[test]
    fn settings_act_at_once_whichever_deployment_answers() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d1"), "old"));
        served.put(serving(Some("d2"), "old"), WITHIN, began);
        served.put(serving(Some("d2"), "new"), WITHIN, began + seconds(1));
        for choice in [0, 1] {
            let answering = served.answering(WITHIN, began + seconds(2), |_| choice);
            let stage = &answering.unwrap().stage;
            assert_eq!(stage.description.as_deref(), Some("new"));
        }
        assert_eq!(answers(&served, began + seconds(61)), ["d2"]);
    }

    #[test]
    fn nothing_is_left_of_a_deployment_that_was_deleted() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d1"), ""));
        served.put(serving(Some("d2"), ""), WITHIN, began);
        served.forget("d1");
        assert_eq!(answers(&served, began), ["d2"]);
        assert!(served.is_settled());
    }

    #[test]
    fn stages_that_settle_at_once_remember_nothing() {
        let began = Instant::now();
        let mut served = Served::created(serving(None, ""), Duration::ZERO, began);
        served.put(serving(Some("d1"), ""), Duration::ZERO, began);
        served.put(serving(Some("d2"), ""), Duration::ZERO, began);
        assert!(served.is_settled());
    }

    #[test]
    fn a_stage_that_is_moved_again_and_again_remembers_a_bounded_number() {
        let began = Instant::now();
        let mut served = Served::existing(serving(Some("d0"), ""));
        for idx in 1..3 * MOST {
            served.put(serving(Some(&format!("d{idx}")), ""), WITHIN, began);
        }
        assert_eq!(answers(&served, began).len(), MOST + 1);
    }
}
