//! The Actions menu of an API, as in the web console.
//!
//! ```text
//! ╭ Actions · chat › test ───────────────╮
//! │▸ Deploy API…                      d   │
//! │  Watch live                       l   │
//! │  Undo deploy     nothing to undo  u   │
//! │  Copy invoke URL                  y   │
//! ╰───────────────────────────────────────╯
//! ```
//!
//! An entry that cannot act now stays, dimmed, and says why.

use std::borrow::Cow;

use ratatui::{
    layout::{Rect, Size},
    text::{Line, Span},
};

use crate::{
    model::{ApiId, StageName},
    ui::{
        Action,
        keys::{self, Scope},
        notice::Tone,
        route::{Nav, Route},
        subject, text,
        view::{Context, Painter, Scene, View},
        widget::{
            cells,
            listing::{Key, Listing, Rows},
            modal, panel, rows_in,
        },
    },
};

/// The API and the stage that the entries act on.
#[derive(Debug)]
pub struct ActionsModal {
    api: ApiId,
    stage: Option<StageName>,
    list: Listing,
}

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Deploy,
    Live,
    Undo,
    EditStage,
    CopyInvokeUrl,
    CopyCallbackUrl,
    CopyId,
}

impl Entry {
    const ALL: [Self; 7] = [
        Self::Deploy,
        Self::Live,
        Self::Undo,
        Self::EditStage,
        Self::CopyInvokeUrl,
        Self::CopyCallbackUrl,
        Self::CopyId,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Deploy => "Deploy API...",
            Self::Live => "Watch live",
            Self::Undo => "Undo deploy",
            Self::EditStage => "Edit stage...",
            Self::CopyInvokeUrl => "Copy invoke URL",
            Self::CopyCallbackUrl => "Copy callback URL",
            Self::CopyId => "Copy API id",
        }
    }

    /// Returns the action whose key does the same without the menu, if there is one with or without a selected stage.
    fn shortcut(self, has_stage: bool) -> Option<(Scope, Action)> {
        match self {
            Self::Deploy => Some((Scope::Apis, Action::Deploy)),
            Self::Live => Some((Scope::Apis, Action::Live)),
            Self::Undo => Some((Scope::Apis, Action::Undo)),
            Self::EditStage if has_stage => Some((Scope::Stages, Action::EditStage)),
            Self::CopyInvokeUrl if has_stage => Some((Scope::Stages, Action::Copy)),
            Self::CopyCallbackUrl if has_stage => Some((Scope::Stages, Action::CopyCallback)),
            Self::CopyId if !has_stage => Some((Scope::Apis, Action::Copy)),
            Self::EditStage | Self::CopyInvokeUrl | Self::CopyCallbackUrl | Self::CopyId => None,
        }
    }
}

/// The entries as rows of a list.
struct EntryRows;

impl Rows for EntryRows {
    type Item = Entry;

    const ORDERS: &'static [&'static str] = &["menu"];

    fn id<'a>(&'a self, entry: &'a Entry) -> Cow<'a, str> {
        Cow::Borrowed(entry.title())
    }

    fn text(&self, entry: &Entry) -> String {
        entry.title().to_owned()
    }

    fn key<'a>(&'a self, _order: usize, _entry: &'a Entry) -> Key<'a> {
        Key::Given
    }
}

impl ActionsModal {
    /// Makes the menu for an API, and for a stage where one is selected.
    pub fn new(api: ApiId, stage: Option<StageName>) -> Self {
        Self {
            api,
            stage,
            list: Listing::default(),
        }
    }

    fn chosen(&self) -> Entry {
        let chosen = self.list.selected(&EntryRows, &Entry::ALL);
        chosen.copied().unwrap_or(Entry::ALL[0])
    }

    fn reason(&self, entry: Entry, scene: Scene<'_>) -> Option<String> {
        let detail = scene.data.library.detail(&self.api);
        match entry {
            Entry::Deploy => subject::deploy_refusal(detail),
            Entry::Live => subject::live_refusal(detail, self.stage.as_ref()),
            Entry::Undo => subject::undo_refusal(scene),
            Entry::EditStage | Entry::CopyInvokeUrl | Entry::CopyCallbackUrl
                if self.stage.is_none() =>
            {
                let open = keys::named(Scope::Apis, Action::Open);
                Some(format!("Choose a stage first: {open} opens the API"))
            }
            Entry::EditStage | Entry::CopyInvokeUrl | Entry::CopyCallbackUrl | Entry::CopyId => {
                None
            }
        }
    }

    /// Returns the reason in a few words, for the menu itself; the full reason says what to do instead.
    fn short_reason(&self, entry: Entry, scene: Scene<'_>) -> Option<&'static str> {
        self.reason(entry, scene)?;
        let detail = scene.data.library.detail(&self.api);
        let has_stages = detail.is_some_and(|detail| !detail.stages.is_empty());
        Some(match entry {
            Entry::Deploy => "the API has no routes",
            Entry::Live if has_stages => "it serves nothing yet",
            Entry::Live => "the API has no stage yet",
            Entry::Undo => "nothing to undo",
            Entry::EditStage | Entry::CopyInvokeUrl | Entry::CopyCallbackUrl | Entry::CopyId => {
                "choose a stage first"
            }
        })
    }

    fn copy_url(&self, entry: Entry, context: &mut Context<'_>) {
        let api = context.data.library.api(&self.api);
        let (Some(api), Some(stage)) = (api, &self.stage) else {
            context.say(Tone::Warning, "The API is still being read");
            return;
        };
        let (what, url) = match entry {
            Entry::CopyCallbackUrl => ("callback URL", api.callback_url(stage)),
            _ => ("invoke URL", api.invoke_url(stage)),
        };
        context.copy(format!("{what} of {stage}"), url);
    }
}

impl View for ActionsModal {
    fn route(&self) -> Route {
        Route::Actions(self.api.clone(), self.stage.clone())
    }

    fn scope(&self) -> Scope {
        Scope::Menu
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return Nav::Back,
            Action::Submit => {}
            action => {
                self.list.act::<EntryRows>(action, context.placed.page);
                return Nav::Stay;
            }
        }
        match self.chosen() {
            Entry::Deploy => Nav::Act(Action::Deploy),
            Entry::Live => Nav::Act(Action::Live),
            Entry::Undo => Nav::Act(Action::Undo),
            Entry::EditStage => Nav::Act(Action::EditStage),
            Entry::CopyId => {
                context.copy(format!("API id {}", self.api), self.api.to_string());
                Nav::Back
            }
            entry => {
                self.copy_url(entry, context);
                Nav::Back
            }
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        self.list
            .follow(&EntryRows, &Entry::ALL, context.placed.page);
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        match action {
            Action::Submit => self.reason(self.chosen(), scene),
            _ => None,
        }
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let size = Size::new(56, cells(Entry::ALL.len()) + 2);
        let name = scene.data.api_name(&self.api);
        let name = text::fit(&name, 24, scene.look.glyphs.ellipsis);
        let stage = match &self.stage {
            Some(stage) => format!(" {} {stage}", scene.look.glyphs.crumb),
            None => String::new(),
        };
        let title = format!("Actions {} {name}{stage}", scene.look.glyphs.dot);
        let inner = modal(panel(scene.look, title, true), size, area, painter);
        painter.placed.page = inner.height;
        painter.placed.rows = rows_in(inner, Entry::ALL.len());
        let chosen = self.chosen();
        for (entry, row) in Entry::ALL.into_iter().zip(inner.rows()) {
            painter.draw(self.line(entry, entry == chosen, scene), row);
        }
    }
}

impl ActionsModal {
    fn line(&self, entry: Entry, is_chosen: bool, scene: Scene<'_>) -> Line<'static> {
        let theme = &scene.look.theme;
        let reason = self.short_reason(entry, scene);
        let can = reason.is_none();
        let base = match (is_chosen, can) {
            (true, _) => theme.selection,
            (false, true) => theme.text,
            (false, false) => theme.dim,
        };
        let reason_style = if is_chosen { base } else { theme.dim };
        let pointer = scene.look.pointer(is_chosen);
        let chord = entry
            .shortcut(self.stage.is_some())
            .and_then(|(scope, action)| keys::binding_of(scope, action))
            .map(|binding| binding.short_chord(&scene.look.glyphs))
            .unwrap_or_default();
        let key = if is_chosen || !can { base } else { theme.key };
        Line::from(vec![
            Span::styled(format!("{pointer} "), base),
            Span::styled(text::fit_padded(entry.title(), 20, ""), base),
            Span::styled(format!("{:<25}", reason.unwrap_or_default()), reason_style),
            Span::styled(format!("{chord:>5}  "), key),
        ])
        .style(base)
    }
}
