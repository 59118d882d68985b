//! The log: a file a day in the state directory, the last seven of them kept. Nothing of it goes to the terminal, and
//! nothing that befalls it harms what is logged: see [`day_file`] and [`repeats`].

mod day_file;
mod repeats;

use std::sync::Arc;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, registry::LookupSpan};

use self::{day_file::DayFile, repeats::Repeats};
use crate::config::{Paths, env};

/// The levels of the log: of ourselves this one unless `STAGEWIRE_LOG` says otherwise, of libraries never more than
/// warnings. Some libraries would write payloads, headers or signatures when asked for more.
const OWN: &str = "stagewire=info";
const LIBRARIES: &str = "warn";

/// Begins the log. A log that cannot be written is no reason not to do the job, so this says nothing.
pub(super) fn begin(paths: &Paths) {
    if paths.create_state_dirs().is_err() {
        return;
    }
    let Ok(file) = DayFile::open(paths.log_dir()) else {
        return;
    };
    let asked = env::log_filter();
    let filtered = Registry::default().with(filter(asked.as_deref()));
    let subscriber = with_file(filtered, Arc::new(file));
    // Only an earlier log could refuse this one, and then that one serves.
    let _begun = tracing::subscriber::set_global_default(subscriber).is_ok();
}

/// Lets a subscriber write to the file, repeats counted.
fn with_file<S>(subscriber: S, file: Arc<DayFile>) -> impl Subscriber + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let lines = fmt::layer()
        .with_ansi(false)
        // The library tells its own failures on the standard error stream, and panics where that is full or closed.
        .log_internal_errors(false)
        .with_writer(Arc::clone(&file));
    subscriber.with(Repeats::new(file)).with(lines)
}

fn filter(asked: Option<&str>) -> EnvFilter {
    let own = asked
        .into_iter()
        .flat_map(|asked| asked.split(','))
        .filter_map(own_directive);
    let directives = [OWN.to_owned()].into_iter().chain(own);
    directives
        .filter_map(|directive| directive.parse().ok())
        .fold(EnvFilter::new(LIBRARIES), EnvFilter::add_directive)
}

/// Returns what was asked for, as far as it concerns ourselves: a bare level means this program.
fn own_directive(asked: &str) -> Option<String> {
    let asked = asked.trim();
    if asked.starts_with("stagewire") {
        Some(asked.to_owned())
    } else if asked.is_empty() {
        // Nothing would be read as the level "error".
        None
    } else {
        let level: LevelFilter = asked.parse().ok()?;
        Some(format!("stagewire={level}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, filter_text: &[&str]) {
        let text = filter(Some(asked)).to_string();
        let mut directives: Vec<_> = text.split(',').collect();
        directives.sort_unstable();
        assert_eq!(directives, filter_text, "{asked}");
    }

    #[test]
    fn nobody_can_ask_libraries_for_more_than_warnings() {
        check("trace", &["stagewire=trace", "warn"]);
        check("library=trace,debug", &["stagewire=debug", "warn"]);
        check(
            "stagewire::live=debug",
            &["stagewire::live=debug", "stagewire=info", "warn"],
        );
        check("", &["stagewire=info", "warn"]);
        check("no such level", &["stagewire=info", "warn"]);
    }
}
