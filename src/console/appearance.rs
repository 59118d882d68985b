//! Appearance of the screen: what the terminal can show, from the settings and the environment.

use std::io;

use termprofile::{DetectorSettings, TermProfile};

use crate::{
    config::{ColorChoice, Settings, env},
    ui::{Appearance, glyphs::Glyphs, theme::ColourDepth},
};

/// Finds out how the screen shall look.
pub(super) fn find(settings: &Settings) -> Appearance {
    // tmux is not asked: that would run a program before the first paint.
    let detector = DetectorSettings::default().enable_tmux_info(false);
    let profile = TermProfile::detect(&io::stdout(), detector);
    Appearance {
        colours: colours(settings.color, profile),
        glyphs: glyphs(settings.ascii, env::is_utf8(), env::term().as_deref()),
    }
}

fn colours(choice: ColorChoice, profile: TermProfile) -> ColourDepth {
    let detected = match profile {
        TermProfile::NoTty | TermProfile::NoColor => ColourDepth::None,
        TermProfile::Ansi16 => ColourDepth::Sixteen,
        TermProfile::Ansi256 => ColourDepth::Indexed,
        TermProfile::TrueColor => ColourDepth::True,
    };
    match choice {
        ColorChoice::Never => ColourDepth::None,
        // Every terminal that knows colours knows these.
        ColorChoice::Always => detected.max(ColourDepth::Sixteen),
        ColorChoice::Auto => detected,
    }
}

/// The Linux console has few glyphs, and another character set than UTF-8 has others.
fn glyphs(ascii: Option<bool>, is_utf8: bool, term: Option<&str>) -> Glyphs {
    let is_ascii = ascii.unwrap_or(!is_utf8 || term == Some("linux"));
    if is_ascii {
        Glyphs::ASCII
    } else {
        Glyphs::UNICODE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_win_over_what_the_terminal_claims() {
        let (none, all) = (TermProfile::NoColor, TermProfile::TrueColor);
        assert_eq!(colours(ColorChoice::Auto, all), ColourDepth::True);
        assert_eq!(colours(ColorChoice::Never, all), ColourDepth::None);
        assert_eq!(colours(ColorChoice::Auto, none), ColourDepth::None);
        assert_eq!(colours(ColorChoice::Always, none), ColourDepth::Sixteen);
    }

    #[test]
    fn plain_characters_where_others_would_be_garbled() {
        let xterm = Some("xterm-256color");
        assert_eq!(glyphs(None, true, xterm), Glyphs::UNICODE);
        assert_eq!(glyphs(None, false, xterm), Glyphs::ASCII);
        assert_eq!(glyphs(None, true, Some("linux")), Glyphs::ASCII);
        assert_eq!(glyphs(Some(true), true, xterm), Glyphs::ASCII);
        assert_eq!(glyphs(Some(false), false, xterm), Glyphs::UNICODE);
    }
}
