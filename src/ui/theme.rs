//! The theme: roles and their styles, in the only file with a colour in it.
//!
//! A screen asks for a role ("this is dim", "this is dangerous"), never for a colour. Text keeps the terminal's own
//! foreground and background, so that light and dark terminals both work. Without colours (`NO_COLOR`) the roles that
//! carry a meaning are told apart by bold, underline and reverse, and everywhere a word or mark says the same.

use ratatui::style::{Color, Modifier, Style};

/// The number of colours that the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ColourDepth {
    /// None: bold, underline and reverse only.
    None,
    /// The sixteen of the terminal's own palette.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    #[default]
    True,
}

/// Declares the roles: a field each, and their names for whoever wants to tell a style by its role.
macro_rules! roles {
    ($($(#[$meta:meta])* $role:ident,)*) => {
        /// A style for each role.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Theme {
            $($(#[$meta])* pub $role: Style,)*
        }

        impl Theme {
            /// Returns the roles by name, in the order in which they are declared.
            pub fn roles(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($role), self.$role),)*]
            }
        }
    };
}

roles! {
    /// Text to read.
    text,
    /// Text that one may skip.
    dim,
    /// The name of the program.
    brand,
    /// Parts of the breadcrumb before the last.
    crumb,
    /// The last part of the breadcrumb.
    crumb_here,
    /// The breadcrumb of a production stage.
    production,
    /// Borders.
    border,
    /// The border of what has the keyboard.
    focus,
    /// Titles of panels and modals.
    title,
    /// Column heads and names of fields.
    heading,
    /// The selected row.
    selection,
    /// The selected row of a list that does not have the keyboard.
    selection_idle,
    /// Characters that a filter found.
    matched,
    /// A key in the footer and in the help.
    key,
    /// The tab that is open.
    tab,
    /// A URL or an id that one can copy.
    link,
    /// Something that is well.
    ok,
    /// Something to look at.
    warn,
    /// Something that failed, or that would hurt.
    danger,
    /// Something new.
    added,
    /// Something gone.
    removed,
    /// Something different.
    changed,
    /// A text field.
    field,
    /// The cursor of a text field.
    cursor,
    /// The spinner.
    busy,
    /// A frame that came in.
    frame_in,
    /// A frame that went out.
    frame_out,
    /// A control frame.
    frame_control,
    /// Keys of a JSON text.
    json_key,
    /// Strings of a JSON text.
    json_string,
    /// Numbers, true, false and null of a JSON text.
    json_literal,
}

/// The colours a theme is made of.
struct Palette {
    dim: Color,
    border: Color,
    accent: Color,
    selected: Color,
    selected_idle: Color,
    on_selected: Color,
    red: Color,
    green: Color,
    yellow: Color,
    blue: Color,
    violet: Color,
    cyan: Color,
    dark: Color,
}

impl Theme {
    /// Returns the built-in theme for a terminal with that many colours.
    pub fn new(depth: ColourDepth) -> Self {
        match depth {
            ColourDepth::None => Self::monochrome(),
            ColourDepth::Sixteen => Self::from_palette(&SIXTEEN),
            ColourDepth::Indexed => Self::from_palette(&INDEXED),
            ColourDepth::True => Self::from_palette(&TRUE),
        }
    }

    fn from_palette(palette: &Palette) -> Self {
        let plain = Style::new();
        let of = |colour| Style::new().fg(colour);
        Self {
            text: plain,
            dim: of(palette.dim),
            brand: of(palette.accent).add_modifier(Modifier::BOLD),
            crumb: of(palette.dim),
            crumb_here: plain.add_modifier(Modifier::BOLD),
            production: of(palette.dark)
                .bg(palette.red)
                .add_modifier(Modifier::BOLD),
            border: of(palette.border),
            focus: of(palette.accent),
            title: plain.add_modifier(Modifier::BOLD),
            heading: of(palette.dim),
            selection: of(palette.on_selected)
                .bg(palette.selected)
                .add_modifier(Modifier::BOLD),
            selection_idle: of(palette.on_selected).bg(palette.selected_idle),
            matched: of(palette.yellow).add_modifier(Modifier::UNDERLINED),
            key: of(palette.accent),
            tab: of(palette.accent).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            link: of(palette.blue),
            ok: of(palette.green),
            warn: of(palette.yellow),
            danger: of(palette.red).add_modifier(Modifier::BOLD),
            added: of(palette.green),
            removed: of(palette.red),
            changed: of(palette.yellow),
            field: plain,
            cursor: plain.add_modifier(Modifier::REVERSED),
            busy: of(palette.accent),
            frame_in: of(palette.cyan),
            frame_out: of(palette.violet),
            frame_control: of(palette.dim),
            json_key: of(palette.blue),
            json_string: of(palette.green),
            json_literal: of(palette.yellow),
        }
    }

    fn monochrome() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let underlined = plain.add_modifier(Modifier::UNDERLINED);
        Self {
            text: plain,
            dim: plain,
            brand: bold,
            crumb: plain,
            crumb_here: bold,
            production: reversed.add_modifier(Modifier::BOLD),
            border: plain,
            focus: bold,
            title: bold,
            heading: underlined,
            selection: reversed,
            selection_idle: underlined,
            matched: bold.add_modifier(Modifier::UNDERLINED),
            key: bold,
            tab: reversed,
            link: underlined,
            ok: plain,
            warn: bold,
            danger: bold.add_modifier(Modifier::UNDERLINED),
            added: bold,
            removed: plain,
            changed: underlined,
            field: plain,
            cursor: reversed,
            busy: plain,
            frame_in: plain,
            frame_out: bold,
            frame_control: plain,
            json_key: bold,
            json_string: plain,
            json_literal: plain,
        }
    }
}

const TRUE: Palette = Palette {
    dim: Color::Rgb(0x86, 0x8d, 0xa2),
    border: Color::Rgb(0x5a, 0x62, 0x78),
    accent: Color::Rgb(0x5f, 0xb3, 0xc4),
    selected: Color::Rgb(0x2b, 0x4a, 0x6f),
    selected_idle: Color::Rgb(0x36, 0x3c, 0x4e),
    on_selected: Color::Rgb(0xf2, 0xf5, 0xfa),
    red: Color::Rgb(0xe5, 0x6b, 0x6f),
    green: Color::Rgb(0x7f, 0xb8, 0x5f),
    yellow: Color::Rgb(0xd9, 0xa4, 0x41),
    blue: Color::Rgb(0x6c, 0xa0, 0xe8),
    violet: Color::Rgb(0xb4, 0x8e, 0xd9),
    cyan: Color::Rgb(0x56, 0xb6, 0xb0),
    dark: Color::Rgb(0x1a, 0x1c, 0x24),
};

const INDEXED: Palette = Palette {
    dim: Color::Indexed(245),
    border: Color::Indexed(241),
    accent: Color::Indexed(73),
    selected: Color::Indexed(24),
    selected_idle: Color::Indexed(238),
    on_selected: Color::Indexed(255),
    red: Color::Indexed(167),
    green: Color::Indexed(107),
    yellow: Color::Indexed(178),
    blue: Color::Indexed(74),
    violet: Color::Indexed(140),
    cyan: Color::Indexed(79),
    dark: Color::Indexed(234),
};

const SIXTEEN: Palette = Palette {
    dim: Color::DarkGray,
    border: Color::DarkGray,
    accent: Color::Cyan,
    selected: Color::Blue,
    selected_idle: Color::DarkGray,
    on_selected: Color::White,
    red: Color::Red,
    green: Color::Green,
    yellow: Color::Yellow,
    blue: Color::Blue,
    violet: Color::Magenta,
    cyan: Color::Cyan,
    dark: Color::White,
};
