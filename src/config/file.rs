//! The shape of the settings file, and what to say when it has another.

use std::{
    io,
    net::SocketAddr,
    ops::{Range, RangeInclusive},
    path::Path,
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ColorChoice, Error, GatewayApiKey, GatewayCredential};

/// The settings file. A key that is not listed here is an error, so that a misspelt one is not silently without effect.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) aws: AwsSection,
    pub(super) ui: UiSection,
    pub(super) gateway: GatewaySection,
}

/// The target of the calls when nothing else names one, and what it allows.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AwsSection {
    pub(super) profile: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint_url: Option<String>,
    #[serde(deserialize_with = "calls")]
    pub(super) calls_per_second: Option<f64>,
    #[serde(deserialize_with = "calls_at_once")]
    pub(super) burst: Option<f64>,
    #[serde(deserialize_with = "share")]
    pub(super) share: Option<f64>,
    pub(super) settles: Option<bool>,
}

/// The settings of the screen.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UiSection {
    pub(super) production: Option<Vec<String>>,
    pub(super) ascii: Option<bool>,
    pub(super) color: Option<ColorChoice>,
}

/// The local gateway.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GatewaySection {
    pub(super) listen: Option<SocketAddr>,
    pub(super) state: Option<std::path::PathBuf>,
    pub(super) credentials: Vec<GatewayCredential>,
    pub(super) api_keys: Vec<GatewayApiKey>,
}

/// A rate of calls. None can be infinite or so small that nothing would ever go.
fn calls<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    between(
        from,
        0.1..=10_000.0,
        "calls a second must be from 0.1 to 10000",
    )
}

fn calls_at_once<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    between(
        from,
        1.0..=100_000.0,
        "a burst must be from 1 to 100000 calls",
    )
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    between(from, 0.01..=1.0, "a share must be from 0.01 to 1")
}

fn between<'de, D: Deserializer<'de>>(
    from: D,
    range: RangeInclusive<f64>,
    rule: &str,
) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(from)?;
    if range.contains(&value) {
        Ok(Some(value))
    } else {
        Err(D::Error::custom(rule))
    }
}

/// Reads the file; one that does not exist says nothing.
pub(super) fn read(path: &Path) -> Result<File, Error> {
    match read_existing(path) {
        Err(Error::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(File::default())
        }
        result => result,
    }
}

/// Reads the file, which must exist.
pub(super) fn read_existing(path: &Path) -> Result<File, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(source) => Err(Error::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn parse(path: &Path, text: &str) -> Result<File, Error> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let (line, line_text, columns) = locate(text, &span);
        Error::Invalid {
            path: path.to_owned(),
            line,
            message: error.message().replace('\n', " "),
            text: line_text,
            columns,
        }
    })
}

/// The number and text of the line in which the span of bytes starts, and its columns there in characters.
fn locate(text: &str, span: &Range<usize>) -> (usize, String, Range<usize>) {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |newline| start + newline);
    let end = text.floor_char_boundary(span.end).clamp(start, line_end);
    let column = text[line_start..start].chars().count();
    let width = text[start..end].chars().count();
    let number = text[..start].matches('\n').count() + 1;
    let line = text[line_start..line_end].trim_end().replace('\t', " ");
    (number, line, column..column + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(text: &str) -> Vec<String> {
        let error = parse(Path::new("config.toml"), text).unwrap_err();
        let failure = error.failure();
        assert!(failure.title.contains("config.toml"), "{failure}");
        failure.causes
    }

    #[test]
    fn an_unknown_key_is_shown_with_line_and_caret() {
        let causes = invalid("[aws]\nregion = \"eu-west-1\"\n\n[ui]\n  produktion = []\n");
        assert!(
            causes[0].contains("unknown field `produktion`"),
            "{causes:?}"
        );
        assert!(causes[0].contains("`production`"), "{causes:?}");
        assert_eq!(causes[1], "line 5:   produktion = []");
        assert_eq!(causes[2], "          ^^^^^^^^^^");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_shown_with_line_and_caret() {
        let causes = invalid("[ui]\nascii = \"yes\"\n");
        assert!(causes[0].contains("expected a boolean"), "{causes:?}");
        assert_eq!(causes[1], "line 2: ascii = \"yes\"");
        assert_eq!(causes[2], "                ^^^^^");
    }

    #[test]
    fn an_unknown_section_and_broken_syntax_are_refused_too() {
        assert!(invalid("[awz]\n")[0].contains("unknown field `awz`"));
        assert!(invalid("[aws\n")[1].starts_with("line 1:"));
        assert!(invalid("[gateway]\nlisten = \"here\"\n")[1].contains("here"));
        assert!(invalid("[ui]\ncolor = \"maybe\"\n")[0].contains("`auto`"));
    }

    #[test]
    fn rates_of_calls_are_numbers_that_let_calls_go() {
        let file = parse(
            Path::new("config.toml"),
            "[aws]\ncalls_per_second = 20\nshare = 0.25\n",
        );
        let aws = file.unwrap().aws;
        assert_eq!(
            (aws.calls_per_second, aws.burst, aws.share),
            (Some(20.0), None, Some(0.25))
        );
        for (line, says) in [
            ("calls_per_second = 0", "from 0.1 to 10000"),
            ("calls_per_second = inf", "from 0.1 to 10000"),
            ("burst = 0.5", "from 1 to 100000"),
            ("share = 50", "from 0.01 to 1"),
        ] {
            let causes = invalid(&format!("[aws]\n{line}\n"));
            assert!(causes[0].contains(says), "{causes:?}");
            assert_eq!(causes[1], format!("line 2: {line}"));
        }
    }

    #[test]
    fn an_endpoint_may_be_said_to_lead_to_aws() {
        let settles = |text| parse(Path::new("config.toml"), text).unwrap().aws.settles;
        assert_eq!(settles("[aws]\nsettles = true\n"), Some(true));
        assert_eq!(settles("[aws]\nsettles = false\n"), Some(false));
        assert_eq!(settles("[aws]\n"), None);
        let causes = invalid("[aws]\nsettles = \"slowly\"\n");
        assert!(causes[0].contains("boolean"), "{causes:?}");
    }

    #[test]
    fn carets_count_characters_not_bytes() {
        let causes = invalid("[aws]\nregion = \"ü\" x\n");
        assert_eq!(causes[1], "line 2: region = \"ü\" x");
        assert_eq!(
            causes[2].find('^'),
            causes[1].chars().position(|c| c == 'x')
        );
    }

    #[test]
    fn a_file_that_does_not_exist_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("none")).unwrap(), File::default());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let failure = read(dir.path()).unwrap_err().failure();
        assert!(failure.causes[0].starts_with("cannot read"), "{failure}");
    }
}
