//! Scopes and groups: the places where a binding holds, and the headings that the help lists it under.

/// The place where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every place that has the keyboard, text fields and modals included.
    Anywhere,
    /// Every screen that does not show a text field.
    Global,
    /// Every list.
    List,
    /// Every text that scrolls.
    Text,
    /// The target picker.
    Targets,
    /// The list of APIs.
    Apis,
    /// The Stages tab of an API.
    Stages,
    /// The Routes tab of an API.
    Routes,
    /// The tabs of an API.
    Api,
    /// The screens that have an API, for the actions on it.
    Subject,
    /// The frames of the Live screen.
    Live,
    /// The content of a frame, on the Live screen.
    Inspector,
    /// The composer of the Live screen.
    Composer,
    /// The filter line of a list while one types in it.
    FilterLine,
    /// Menus.
    Menu,
    /// The deploy dialog with the stage list, in which typing names a new stage.
    Deploy,
    /// The same while comparing the draft first takes long: one may wait for that.
    DeploySlow,
    /// A text field of the deploy dialog.
    DeployField,
    /// The deploy dialog while it asks; any key but Enter takes the question back.
    DeployQuestion,
    /// The deploy dialog while it runs.
    DeployRun,
    /// The deploy dialog after a deploy that failed.
    DeployFailed,
    /// The list of live sessions.
    Sessions,
    /// A form, its text fields included.
    Form,
    /// A form while a choice or a switch has the keyboard.
    FormChoice,
    /// A form whose order is under way.
    FormSent,
    /// A form while it asks; any key but Enter takes the question back.
    FormQuestion,
    /// A question.
    Confirm,
    /// A failure.
    Failure,
    /// The list of keys.
    Help,
    /// The palette and the pickers: a text field above a list.
    Palette,
    /// The log of notices.
    Log,
}

/// A heading of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Actions of the place itself.
    Here,
    /// Deploying and watching.
    Stage,
    /// Links and messages.
    Live,
    /// Moving about.
    Move,
    /// Lists and texts.
    List,
    /// The program.
    Program,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Here,
        Self::Stage,
        Self::Live,
        Self::List,
        Self::Move,
        Self::Program,
    ];

    /// Returns the heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Here => "Here",
            Self::Stage => "Deploy and watch",
            Self::Live => "Frames and messages",
            Self::Move => "Move",
            Self::List => "Lists",
            Self::Program => "Program",
        }
    }
}

impl Scope {
    /// Every scope that a screen or modal can name as its own, for tests and for `stagewire keys`.
    pub const LEAVES: [Self; 25] = [
        Self::Targets,
        Self::Apis,
        Self::Stages,
        Self::Routes,
        Self::Live,
        Self::Inspector,
        Self::Composer,
        Self::FilterLine,
        Self::Menu,
        Self::Deploy,
        Self::DeploySlow,
        Self::DeployField,
        Self::DeployQuestion,
        Self::DeployRun,
        Self::DeployFailed,
        Self::Sessions,
        Self::Form,
        Self::FormChoice,
        Self::FormQuestion,
        Self::FormSent,
        Self::Confirm,
        Self::Failure,
        Self::Help,
        Self::Palette,
        Self::Log,
    ];

    /// Returns the scopes that hold where this one is the innermost, innermost first.
    pub fn stack(self) -> &'static [Self] {
        match self {
            Self::Targets => &[Self::Targets, Self::List, Self::Global, Self::Anywhere],
            Self::Apis => &[
                Self::Apis,
                Self::Subject,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Stages => &[
                Self::Stages,
                Self::Subject,
                Self::Api,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Routes => &[
                Self::Routes,
                Self::Subject,
                Self::Api,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Live => &[Self::Live, Self::Global, Self::Anywhere],
            Self::Inspector => &[Self::Inspector, Self::Text, Self::Anywhere],
            Self::Composer => &[Self::Composer, Self::Anywhere],
            Self::FilterLine => &[Self::FilterLine, Self::Anywhere],
            Self::Menu => &[Self::Menu, Self::Anywhere],
            Self::Deploy => &[Self::Deploy, Self::Anywhere],
            Self::DeploySlow => &[Self::DeploySlow, Self::Deploy, Self::Anywhere],
            Self::DeployField => &[Self::DeployField, Self::Anywhere],
            Self::DeployQuestion => &[Self::DeployQuestion, Self::Anywhere],
            Self::DeployRun => &[Self::DeployRun, Self::Text, Self::Anywhere],
            Self::DeployFailed => &[Self::DeployFailed, Self::Text, Self::Anywhere],
            Self::Sessions => &[Self::Sessions, Self::Anywhere],
            Self::Form => &[Self::Form, Self::Anywhere],
            Self::FormChoice => &[Self::FormChoice, Self::Form, Self::Anywhere],
            Self::FormSent => &[Self::FormSent, Self::Anywhere],
            Self::FormQuestion => &[Self::FormQuestion, Self::Anywhere],
            Self::Confirm => &[Self::Confirm, Self::Anywhere],
            Self::Failure => &[Self::Failure, Self::Text, Self::Anywhere],
            Self::Help => &[Self::Help, Self::Text, Self::Anywhere],
            Self::Palette => &[Self::Palette, Self::Anywhere],
            Self::Log => &[Self::Log, Self::Text, Self::Anywhere],
            Self::Anywhere => &[Self::Anywhere],
            Self::Global => &[Self::Global, Self::Anywhere],
            Self::List => &[Self::List, Self::Global, Self::Anywhere],
            Self::Text => &[Self::Text, Self::Anywhere],
            Self::Api => &[Self::Api, Self::Global, Self::Anywhere],
            Self::Subject => &[Self::Subject, Self::Global, Self::Anywhere],
        }
    }

    /// True where a character is never a command: it is typed into a text field, or takes a question back.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Composer
                | Self::FilterLine
                | Self::DeployField
                | Self::DeployQuestion
                | Self::Form
                | Self::FormQuestion
                | Self::Palette
        )
    }

    /// Returns the place in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Anywhere => "everywhere",
            Self::Global => "every screen",
            Self::List => "lists",
            Self::Text => "long texts",
            Self::Targets => "targets",
            Self::Apis => "APIs",
            Self::Stages => "API, stages",
            Self::Routes => "API, routes",
            Self::Api => "API",
            Self::Subject => "APIs and stages",
            Self::Live => "live, frames",
            Self::Inspector => "live, inspector",
            Self::Composer => "live, composer",
            Self::FilterLine => "filter line",
            Self::Menu => "menus",
            Self::Deploy => "deploy dialog",
            Self::DeploySlow => "deploy dialog, slow to compare",
            Self::DeployField => "deploy dialog, text field",
            Self::DeployQuestion => "deploy dialog, question",
            Self::DeployRun => "deploy dialog, running",
            Self::DeployFailed => "deploy dialog, failed",
            Self::Sessions => "live sessions",
            Self::Form => "forms",
            Self::FormChoice => "forms, choice or switch",
            Self::FormQuestion => "forms, question",
            Self::FormSent => "forms, under way",
            Self::Confirm => "questions",
            Self::Failure => "failures",
            Self::Help => "help",
            Self::Palette => "palette and pickers",
            Self::Log => "log",
        }
    }
}
