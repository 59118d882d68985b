//! The characters that are not letters: one set for terminals with Unicode, one for those without.

use ratatui::symbols::border;

/// Marks, arrows and borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Between the parts of the breadcrumb.
    pub crumb: &'static str,
    /// In front of the selected row.
    pub pointer: &'static str,
    /// Between things of one line.
    pub dot: &'static str,
    /// From old to new, from cause to effect.
    pub arrow: &'static str,
    /// For what is absent.
    pub dash: &'static str,
    /// At the end of text that was cut.
    pub ellipsis: &'static str,
    /// Something that is well.
    pub ok: &'static str,
    /// Something that failed.
    pub failed: &'static str,
    /// Something one should look at.
    pub warning: &'static str,
    /// Something that has not started.
    pub pending: &'static str,
    /// A live link.
    pub live: &'static str,
    /// A link that ended.
    pub ended: &'static str,
    /// A frame that came in.
    pub incoming: &'static str,
    /// A frame that went out.
    pub outgoing: &'static str,
    /// The head of a column of differences.
    pub delta: &'static str,
    /// Frames of the spinner.
    pub spinner: &'static [&'static str],
    /// The Enter key.
    pub enter: &'static str,
    /// The Up key.
    pub up: &'static str,
    /// The Down key.
    pub down: &'static str,
    /// The Left key.
    pub left: &'static str,
    /// The Right key.
    pub right: &'static str,
    /// The part of a scroll bar that moves.
    pub thumb: &'static str,
    /// The part of a scroll bar that stands still.
    pub track: &'static str,
    /// Borders of panels.
    pub border: border::Set<'static>,
}

impl Glyphs {
    /// For terminals with Unicode.
    pub const UNICODE: Self = Self {
        crumb: "›",
        pointer: "▸",
        dot: "·",
        arrow: "→",
        dash: "–",
        ellipsis: "…",
        ok: "✓",
        failed: "✗",
        warning: "!",
        pending: "○",
        live: "●",
        ended: "○",
        incoming: "←",
        outgoing: "→",
        delta: "Δ",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        enter: "↵",
        up: "↑",
        down: "↓",
        left: "←",
        right: "→",
        thumb: "█",
        track: "│",
        border: border::ROUNDED,
    };

    /// For terminals and locales that have nothing but ASCII.
    pub const ASCII: Self = Self {
        crumb: ">",
        pointer: ">",
        dot: "-",
        arrow: "->",
        dash: "-",
        ellipsis: "~",
        ok: "ok",
        failed: "x",
        warning: "!",
        pending: ".",
        live: "*",
        ended: "o",
        incoming: "<",
        outgoing: ">",
        delta: "after",
        spinner: &["|", "/", "-", "\\"],
        enter: "Enter",
        up: "Up",
        down: "Down",
        left: "Left",
        right: "Right",
        thumb: "#",
        track: "|",
        border: border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
    };

    /// Returns the frame of the spinner at a time, in milliseconds since anything.
    pub fn spinner_at(&self, millisecond: i64) -> &'static str {
        let count = i64::try_from(self.spinner.len()).unwrap_or(1).max(1);
        let idx = (millisecond / SPINNER_MS).rem_euclid(count);
        usize::try_from(idx)
            .ok()
            .and_then(|idx| self.spinner.get(idx).copied())
            .unwrap_or_default()
    }
}

/// The time that each frame of the spinner stands, in milliseconds.
pub const SPINNER_MS: i64 = 120;
