//! The log: a file a day in the state directory, the last seven of them kept. Nothing of it goes to the terminal.

use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

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
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("stagewire")
        .filename_suffix("log")
        .max_log_files(7)
        .build(paths.log_dir());
    let Ok(appender) = appender else {
        return;
    };
    let asked = env::log_filter();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter(asked.as_deref()))
        .with_ansi(false)
        .with_writer(appender)
        .finish();
    // Only an earlier log could refuse this one, and then that one serves.
    let _begun = tracing::subscriber::set_global_default(subscriber).is_ok();
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
