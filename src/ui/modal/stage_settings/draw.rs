//! The dialog on the screen: the form, the question, the changes, the command.

use ratatui::{
    layout::{Alignment, Constraint, Layout, Margin, Rect, Size},
    text::Line,
    widgets::{Block, Paragraph},
};

use super::{Phase, StageSettingsModal, settings::THROTTLE};
use crate::{
    model::{diff::Detail, stage_update::StageUpdate},
    ui::{
        Action, Remote,
        keys::{self, Scope},
        look::Look,
        text,
        view::{Painter, Scene},
        widget::{
            cells, command, failure, fields::Fields, hints, modal, panel, question::Question,
            scroll,
        },
    },
};

impl StageSettingsModal {
    pub(super) fn draw(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let width = area.width.min(84);
        let columns = usize::from(width).saturating_sub(4);
        let changes = self.changes(scene, columns);
        let commands = self.command_lines(scene, columns);
        let rows = cells(changes.len().max(3)) + cells(commands.len().max(3));
        let size = Size::new(width, self.settings.form.height() + rows + 5);
        let inner = modal(self.frame_block(scene), size, area, painter);
        let body = inner.inner(Margin::new(1, 0));
        let n_commands = cells(commands.len()).min(body.height / 3);
        // The fields scroll before the changes are out of sight.
        let n_fields = body.height.saturating_sub(n_commands + 5).max(3);
        let [fields, note, text, _, below] = Layout::vertical([
            Constraint::Length(self.settings.form.height().min(n_fields)),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Length(n_commands),
        ])
        .areas(body);
        self.settings.form.render(fields, painter);
        self.render_note(scene, note, painter);
        scroll::render_beside(&changes, self.scroll, text, painter);
        painter.draw(Paragraph::new(commands), below);
    }

    fn frame_block<'a>(&self, scene: Scene<'_>) -> Block<'a> {
        let (look, glyphs) = (scene.look, &scene.look.glyphs);
        let name = scene.data.api_name(&self.api);
        let name = text::fit(&name, 24, glyphs.ellipsis);
        let stage = text::fit(self.stage.as_str(), 24, glyphs.ellipsis);
        let title = format!(
            "Stage settings {} {name} {} {stage}",
            glyphs.dot, glyphs.crumb
        );
        let mut block = panel(look, title, true);
        if self.question().is_some() && look.is_production(&self.stage) {
            block = block.border_style(look.theme.danger);
        }
        let keys = match self.question() {
            Some(question) => question.hints("change", look),
            None => vec![
                (glyphs.enter.to_owned(), "change"),
                (keys::named(Scope::Form, Action::Copy), "copy command"),
                (keys::named(Scope::Form, Action::Back), "cancel"),
            ],
        };
        block.title_bottom(hints(&keys, look).alignment(Alignment::Right))
    }

    /// Draws the question, which Enter answers only once it is open and drawn, or that the change is under way.
    fn render_note(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let look = scene.look;
        if let Phase::Sent(_) = self.phase {
            let glyph = look.glyphs.spinner_at(look.now.as_millisecond());
            let text = format!("{glyph} changing {}", self.stage);
            return painter.draw(Line::styled(text, look.theme.busy), area);
        }
        let Some(question) = self.question() else {
            return;
        };
        let text = self.question_text(question, look);
        let text = text::fit(&text, usize::from(area.width), look.glyphs.ellipsis);
        painter.draw(
            Line::styled(format!("{text} "), look.theme.production),
            area,
        );
        if question.is_open(look.now) && !area.is_empty() {
            painter.placed.question = Some(question.ticket);
        }
    }

    fn question_text(&self, question: Question, look: &Look) -> String {
        let stage = if look.is_production(&self.stage) {
            format!("PRODUCTION {}", self.stage)
        } else {
            self.stage.to_string()
        };
        if !question.is_open(look.now) {
            return format!(" {stage}: look at the change first");
        }
        let update = self.planned_for.as_ref();
        let does = if update.is_some_and(StageUpdate::blocks_traffic) {
            "blocks all traffic to"
        } else {
            "changes"
        };
        format!(" {} once more {does} {stage}", look.glyphs.enter)
    }

    /// Returns the lines of what will change, and of what AWS does not take back.
    fn changes(&self, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
        let (theme, glyphs) = (&scene.look.theme, &scene.look.glyphs);
        let Some(update) = &self.planned_for else {
            let words = match self.settings.form.refusal() {
                Some((_, reason)) => format!("Not as it stands: {reason}"),
                None => "Nothing is changed yet.".to_owned(),
            };
            return vec![Line::styled(words, theme.dim)];
        };
        let mut fields = Fields::new(scene.look, columns);
        for detail in update.changes() {
            let arrow = glyphs.arrow;
            fields.below(&format!("~ {}", change(&detail, arrow)), theme.changed);
        }
        for part in update.irrevocable() {
            fields.below(&format!("{} {part}", glyphs.warning), theme.warn);
        }
        let head = format!("Changes on {}", self.stage);
        let mut lines = vec![Line::styled(head, theme.title)];
        lines.extend(fields.into_lines());
        lines
    }

    fn command_lines(&self, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
        let look = scene.look;
        match &self.commands {
            Remote::Idle => Vec::new(),
            Remote::Failed { failure, .. } => failure::lines(failure, columns, look),
            Remote::Loading { .. } => {
                let glyph = look.glyphs.spinner_at(look.now.as_millisecond());
                let text = format!("{glyph} working out the command");
                vec![Line::styled(text, look.theme.dim)]
            }
            Remote::Ready(commands) => command::lines(commands, columns, look),
        }
    }
}

/// Returns a change in words, the stage's own for what is not set.
fn change(detail: &Detail, arrow: &str) -> String {
    let member = detail.member.rsplit('.').next().unwrap_or_default();
    let unset = match member {
        "throttlingRateLimit" | "throttlingBurstLimit" => THROTTLE.unset,
        "description" => "none",
        _ => "not set",
    };
    // A rate is a number with or without halves.
    let halves = if member == "throttlingRateLimit" {
        ".0"
    } else {
        ""
    };
    let plain = |value: &str| value.strip_suffix(halves).unwrap_or(value).to_owned();
    let shown = |value: &Option<String>| value.as_deref().map_or(unset.to_owned(), plain);
    let (old, new) = (shown(&detail.old), shown(&detail.new));
    format!("{member} {old} {arrow} {new}")
}
