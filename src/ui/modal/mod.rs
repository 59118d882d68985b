//! Modals: what stands above a screen and has the keyboard until it is closed.

pub mod actions;
pub mod confirm;
pub mod deploy;
pub mod failure;
pub mod help;
pub mod log;
pub mod palette;
pub mod region;

use super::screen::View;

/// A modal, with its view state only.
#[derive(Debug)]
pub enum Modal {
    /// A question with two answers.
    Confirm(Box<confirm::ConfirmModal>),
    /// Something that was asked for and failed.
    Failure(failure::FailureModal),
    /// The keys that work here.
    Help(help::HelpModal),
    /// What was said so far.
    Log(log::LogModal),
    /// Every action by name.
    Palette(palette::PaletteModal),
    /// What can be done to an API.
    Actions(actions::ActionsModal),
    /// A region for the target.
    Region(region::RegionModal),
    /// Deploy an API to a stage.
    Deploy(Box<deploy::DeployModal>),
}

impl Modal {
    /// The modal as what every modal provides.
    pub fn view(&self) -> &dyn View {
        match self {
            Self::Confirm(modal) => &**modal,
            Self::Failure(modal) => modal,
            Self::Help(modal) => modal,
            Self::Log(modal) => modal,
            Self::Palette(modal) => modal,
            Self::Actions(modal) => modal,
            Self::Region(modal) => modal,
            Self::Deploy(modal) => &**modal,
        }
    }

    /// The same, to act on.
    pub fn view_mut(&mut self) -> &mut dyn View {
        match self {
            Self::Confirm(modal) => &mut **modal,
            Self::Failure(modal) => modal,
            Self::Help(modal) => modal,
            Self::Log(modal) => modal,
            Self::Palette(modal) => modal,
            Self::Actions(modal) => modal,
            Self::Region(modal) => modal,
            Self::Deploy(modal) => &mut **modal,
        }
    }
}
