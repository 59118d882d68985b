//! A change of a stage's settings, as somebody asks for it.

use super::{
    ApiId, StageName,
    diff::Detail,
    file::{StageFile, stage_changes},
};

/// A change of a stage's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct StageUpdate {
    /// The API.
    pub api_id: ApiId,
    /// The stage.
    pub stage: StageName,
    /// The settings as they were read.
    pub from: StageFile,
    /// The settings to come.
    pub to: StageFile,
}

impl StageUpdate {
    /// Returns the members that the change is about, with their old and new values.
    pub fn changes(&self) -> Vec<Detail> {
        stage_changes(&self.from, &self.to)
    }

    /// True when the change sets a default throttle to zero, which blocks all traffic.
    pub fn blocks_traffic(&self) -> bool {
        let throttle = |file: &StageFile| {
            let settings = &file.default_route_settings;
            (
                settings.throttling_rate_limit,
                settings.throttling_burst_limit,
            )
        };
        let to = throttle(&self.to);
        // What it was before may be otherwise by now.
        let is_changed = to != throttle(&self.from);
        is_changed && matches!(to, (Some(0.0), _) | (_, Some(0)))
    }

    /// Returns the parts of the change that no call takes back, in words.
    pub fn irrevocable(&self) -> Vec<&'static str> {
        let (from, to) = (
            &self.from.default_route_settings,
            &self.to.default_route_settings,
        );
        let is_first_rate =
            from.throttling_rate_limit.is_none() && to.throttling_rate_limit.is_some();
        let is_first_burst =
            from.throttling_burst_limit.is_none() && to.throttling_burst_limit.is_some();
        let is_described = self.from.description.is_none() && self.to.description.is_some();
        let mut parts = Vec::new();
        if is_first_rate || is_first_burst {
            parts.push("a default throttle cannot be made unset again");
        }
        if is_described {
            // SOURCE: reported of AWS: an empty text keeps the old one.
            parts.push("a stage's description cannot be emptied again");
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::file::RouteSettingsFile;

    fn update(rate: Option<f64>, description: &str) -> StageUpdate {
        StageUpdate {
            api_id: ApiId::parse("a1").unwrap(),
            stage: StageName::parse("test").unwrap(),
            from: StageFile::default(),
            to: StageFile {
                description: (!description.is_empty()).then(|| description.to_owned()),
                default_route_settings: RouteSettingsFile {
                    throttling_rate_limit: rate,
                    ..RouteSettingsFile::default()
                },
                ..StageFile::default()
            },
        }
    }

    #[test]
    fn a_throttle_of_zero_blocks_and_an_unset_one_does_not() {
        assert!(update(Some(0.0), "").blocks_traffic());
        assert!(!update(None, "0").blocks_traffic());
        assert!(!update(Some(0.5), "").blocks_traffic());
    }

    #[test]
    fn it_is_told_what_no_call_takes_back() {
        assert!(update(None, "").irrevocable().is_empty());
        assert_eq!(update(Some(1.0), "").irrevocable().len(), 1);
        assert_eq!(update(Some(1.0), "the demo").irrevocable().len(), 2);
    }
}
