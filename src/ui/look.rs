//! The look: all that a widget needs to draw, and nothing of what is shown.

use jiff::Timestamp;

use super::{
    glyphs::Glyphs,
    theme::{ColourDepth, Theme},
};
use crate::model::{
    StageName,
    glob::{self, Case},
};

/// The abilities of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// The number of colours.
    pub colours: ColourDepth,
    /// The characters that it can show.
    pub glyphs: Glyphs,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            colours: ColourDepth::True,
            glyphs: Glyphs::UNICODE,
        }
    }
}

/// Styles, characters, the time, and the stages to be careful with.
#[derive(Debug)]
pub struct Look {
    /// Roles and their styles.
    pub theme: Theme,
    /// Marks, arrows and borders.
    pub glyphs: Glyphs,
    /// The time of the last batch of messages.
    pub now: Timestamp,
    /// Patterns of production stages: names in which `*` stands for any characters and `?` for one.
    pub production: Vec<String>,
}

impl Look {
    /// Returns the mark in front of a row: the pointer, or as much space.
    pub fn pointer(&self, is_selected: bool) -> &'static str {
        if is_selected {
            self.glyphs.pointer
        } else {
            " "
        }
    }

    /// True for a stage that one must be careful with: one of the patterns takes its name, in upper or lower case.
    pub fn is_production(&self, stage: &StageName) -> bool {
        let mut patterns = self.production.iter();
        patterns.any(|pattern| glob::covers(pattern, stage.as_str(), Case::Ignored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, patterns: &[&str], expected: bool) {
        let look = Look {
            theme: Theme::new(ColourDepth::True),
            glyphs: Glyphs::UNICODE,
            now: Timestamp::UNIX_EPOCH,
            production: patterns.iter().map(|p| (*p).to_owned()).collect(),
        };
        let stage = StageName::parse(name).unwrap();
        assert_eq!(look.is_production(&stage), expected, "{name}");
    }

    #[test]
    fn production_stages_are_told_by_pattern() {
        check("prod", &["prod*"], true);
        check("production", &["prod*"], true);
        check("Prod-eu", &["prod*"], true);
        check("preprod", &["prod*"], false);
        check("preprod", &["*prod"], true);
        check("live", &["prod*", "live"], true);
        check("live2", &["live"], false);
        check("prod", &[], false);
        check("prod", &["pro?"], true);
    }
}
