//! Repeats: of events that one place of the program reports over and over the first of every while are written, and the
//! others counted. A hundred thousand refused messages are then a few lines and a number.
//!
//! What a function printed is no repeat, whichever place of the program reports it, and whoever asks for more than
//! `info` gets all of it; a day's file is bounded all the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier};
use tracing_subscriber::{Layer, layer::Context};

use super::day_file::{self, DayFile};
use crate::cli::clock;

/// Events of one place that are written in a while.
const MOST: u32 = 50;
const WHILE: SignedDuration = SignedDuration::from_secs(10);
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
    since: Timestamp,
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
    fn admit(&self, place: &'static Metadata<'static>, now: Timestamp) -> bool {
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
            count.n_held += 1;
        }
        is_admitted
    }

    /// Writes how many events were counted in each while that has ended, and forgets it.
    fn tell_ended(&self, counts: &mut HashMap<Identifier, Count>, now: Timestamp) {
        counts.retain(|_, count| {
            let goes_on = now.duration_since(count.since) < WHILE;
            if !goes_on {
                self.tell(count);
            }
            goes_on
        });
    }

    fn tell(&self, count: &Count) {
        if count.n_held > 0 {
            let sentence = count.sentence();
            let line = day_file::own_line(clock::now(), &sentence);
            self.file.put(line.as_bytes());
        }
    }
}

impl Count {
    fn sentence(&self) -> String {
        let Count { place, n_held, .. } = self;
        let seconds = WHILE.as_secs();
        let line = place.line().unwrap_or_default();
        format!(
            "{n_held} more like the {MOST} of {}:{line} within {seconds} s were left out",
            place.target()
        )
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let place = event.metadata();
        *place.level() > Level::INFO
            || place.fields().field(PRINTED).is_some()
            || self.admit(place, clock::now())
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        let counts = self
            .counts
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let counts = std::mem::take(counts);
        for count in counts.values() {
            self.tell(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::cli::log::with_file;

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
                tracing::warn!(number, "refused");
            }
            tracing::warn!("something else");
        });
        let refused = text.matches("refused number=").count();
        assert_eq!(refused, MOST as usize, "{text}");
        assert!(text.contains("something else"), "{text}");
        let end = format!("within {} s were left out\n", WHILE.as_secs());
        assert!(text.contains("950 more like the 50 of "), "{text}");
        assert!(text.ends_with(&end), "{text}");
    }

    #[test]
    fn what_functions_print_and_what_was_asked_for_is_written_whole() {
        let text = text_of(|| {
            for number in 0..200 {
                tracing::info!(line = number, "printed");
                tracing::debug!(number, "asked for");
            }
        });
        assert_eq!(text.matches("printed line=").count(), 200);
        assert_eq!(text.matches("asked for number=").count(), 200);
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
        let began = clock::now();
        let admitted = |at| (0..60).filter(|_| repeats.admit(place, at)).count();
        assert_eq!(admitted(began), 50);
        assert_eq!(admitted(began + WHILE), 50);
        let counts = repeats.counts.lock().unwrap();
        let held: Vec<u64> = counts.values().map(|count| count.n_held).collect();
        assert_eq!(held, [10]);
    }

    /// A layer that tells the place of each event.
    struct PlaceOf(std::sync::mpsc::Sender<&'static Metadata<'static>>);

    impl<S: Subscriber> Layer<S> for PlaceOf {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.send(event.metadata()).unwrap();
        }
    }
}
