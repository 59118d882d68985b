//! Repeats: of what clients and servers make one place of the program report over and over the first of every while are
//! written, and the others counted. A hundred thousand refused messages are then a few lines and a number.
//!
//! What the person's own program does, as the calls of an `apply`, is written whole. So is what a function printed, and
//! whoever asks for more than `info` gets all of it; the log is bounded all the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier};
use tracing_subscriber::{Layer, layer::Context};

use super::day_file::{self, DayFile};
use crate::cli::clock;

/// Events of one place that are written in a while.
const MOST: u32 = 50;
const WHILE: Duration = Duration::from_secs(10);
/// The rooms whose events others can cause as often as they like.
const CAUSED_BY_OTHERS: [&str; 2] = ["stagewire::gateway", "stagewire::live"];
/// The field of what a function printed.
const PRINTED: &str = "line";

/// The count of each place's events.
#[derive(Debug)]
pub(super) struct Repeats {
    file: Arc<DayFile>,
    counts: Mutex<HashMap<Identifier, Count>>,
}

#[derive(Debug)]
struct Count {
    place: &'static Metadata<'static>,
    since: Instant,
    n_written: u32,
    n_held: u64,
}

impl Repeats {
    pub(super) fn new(file: Arc<DayFile>) -> Repeats {
        Repeats {
            file,
            counts: Mutex::default(),
        }
    }

    /// True for an event that is to be written; any other is counted.
    fn admit(&self, place: &'static Metadata<'static>, now: Instant) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell_ended(&mut counts, now);
        let count = counts.entry(place.callsite()).or_insert(Count {
            place,
            since: now,
            n_written: 0,
            n_held: 0,
        });
        let is_admitted = count.n_written < MOST;
        if is_admitted {
            count.n_written += 1;
        } else {
            if count.n_held == 0 {
                self.say(&count.beginning());
            }
            count.n_held += 1;
        }
        is_admitted
    }

    /// Writes how many events were counted in each while that has ended, and forgets it.
    fn tell_ended(&self, counts: &mut HashMap<Identifier, Count>, now: Instant) {
        counts.retain(|_, count| {
            let goes_on = now.duration_since(count.since) < WHILE;
            if !goes_on && count.n_held > 0 {
                self.say(&count.end());
            }
            goes_on
        });
    }

    fn say(&self, sentence: &str) {
        let line = day_file::own_line(clock::now(), sentence);
        self.file.put(line.as_bytes());
    }
}

impl Count {
    fn beginning(&self) -> String {
        let seconds = WHILE.as_secs();
        format!(
            "{MOST} lines of {} within {seconds} s: more of them are counted until that is over",
            self.name()
        )
    }

    fn end(&self) -> String {
        format!("{} more of {} were left out", self.n_held, self.name())
    }

    fn name(&self) -> String {
        let line = self.place.line().unwrap_or_default();
        format!("{}:{line}", self.place.target())
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let place = event.metadata();
        let is_of = |room: &&str| place.target().starts_with(room);
        let is_countable = *place.level() <= Level::INFO
            && CAUSED_BY_OTHERS.iter().any(is_of)
            && place.fields().field(PRINTED).is_none();
        !is_countable || self.admit(place, clock::instant())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::cli::log::with_file;

    const FLOODED: &str = "stagewire::gateway::data";

    fn text_of(log: impl FnOnce()) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = Arc::new(DayFile::open(dir.path().to_owned()).unwrap());
        let subscriber = with_file(tracing_subscriber::registry(), file);
        tracing::subscriber::with_default(subscriber, log);
        let entries = std::fs::read_dir(dir.path()).unwrap();
        entries
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let text = text_of(|| {
            for number in 0..1000 {
                tracing::warn!(target: FLOODED, number, "refused");
            }
            tracing::warn!(target: FLOODED, "something else");
        });
        let refused = text.matches("refused number=").count();
        assert_eq!(refused, MOST as usize, "{text}");
        assert!(text.contains("something else"), "{text}");
        let said = "50 lines of stagewire::gateway::data:";
        assert_eq!(text.matches(said).count(), 1, "{text}");
    }

    #[test]
    fn own_acts_and_what_functions_print_and_what_was_asked_for_is_written_whole() {
        let text = text_of(|| {
            for number in 0..200 {
                tracing::info!(target: "stagewire::ops::apply", number, "called");
                tracing::info!(target: FLOODED, line = number, "printed");
                tracing::debug!(target: FLOODED, number, "asked for");
            }
        });
        for line in ["called number=", "printed line=", "asked for number="] {
            assert_eq!(text.matches(line).count(), 200, "{line}");
        }
    }

    #[test]
    fn a_new_while_begins_with_what_the_last_one_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = Arc::new(DayFile::open(dir.path().to_owned()).unwrap());
        let repeats = Repeats::new(file);
        let (sender, receiver) = std::sync::mpsc::channel();
        let finder = tracing_subscriber::registry().with(PlaceOf(sender));
        tracing::subscriber::with_default(finder, || tracing::warn!("here"));
        let place = receiver.try_recv().unwrap();
        let began = clock::instant();
        let admitted = |at| (0..60).filter(|_| repeats.admit(place, at)).count();
        assert_eq!(admitted(began), 50);
        assert_eq!(admitted(began + WHILE), 50);
        drop(repeats);
        let entry = std::fs::read_dir(dir.path()).unwrap().next().unwrap();
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].contains(" 10 more of "), "{text}");
    }

    /// A layer that tells the place of each event.
    struct PlaceOf(std::sync::mpsc::Sender<&'static Metadata<'static>>);

    impl<S: Subscriber> Layer<S> for PlaceOf {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.send(event.metadata()).unwrap();
        }
    }
}
