//! The dialog before the deploy: stage, description, changes, steps, commands.

use ratatui::{
    layout::{Alignment, Constraint, Layout, Margin, Rect, Size},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

use super::{
    DeployModal, Part, StartMode,
    contents::{changes, steps},
    notes::{render_note, render_question},
};
use crate::{
    model::{ApiDetail, Drift, Failure},
    ui::{
        Action, Remote,
        keys::{self, Scope},
        text,
        view::{Painter, Scene},
        widget::{cells, command, failure, form::Pick, hints, modal, panel, scroll, waiting},
    },
};

/// Rows that the dialog keeps for changes, and for commands, even where there are fewer.
const LEAST_CHANGES: usize = 4;
const LEAST_COMMANDS: usize = 4;

pub(super) fn render(
    dialog: &DeployModal,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let width = area.width.min(100);
    let height = match rows(dialog, scene, width) {
        // One or two rows of what is behind would only look like a fault.
        rows if rows + 2 >= area.height => area.height,
        rows => rows,
    };
    let size = Size::new(width, height);
    let inner = modal(frame_block(dialog, scene), size, area, painter);
    let body = inner.inner(Margin::new(1, 0));
    let detail = scene.data.library.detail(&dialog.api);
    if let Some(detail) = detail.filter(|detail| detail.stages.is_known()) {
        return render_plan(dialog, detail, scene, body, painter);
    }
    match scene.data.library.stages_failure(&dialog.api) {
        Some(failure) => render_unread(failure, body, painter),
        None => waiting::spinner(&reading(dialog), body, painter),
    }
}

/// Draws the form and the plan. Where room is short the changes come before the steps, and the steps before the
/// commands.
fn render_plan(
    dialog: &DeployModal,
    detail: &ApiDetail,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let plan = dialog.plan.data().filter(|_| !is_for_another(dialog));
    let columns = usize::from(area.width);
    let steps = plan.map_or_else(Vec::new, |plan| steps(plan, scene, columns));
    let commands = plan.map_or_else(Vec::new, |plan| {
        command::lines(&plan.commands, columns, scene.look)
    });
    // The stages scroll in a third of the dialog; the description takes a row.
    let n_fields = dialog.form.height().min((area.height / 3).max(3) + 1);
    let room = area
        .height
        .saturating_sub(n_fields + 1 + cells(LEAST_CHANGES));
    let n_steps = cells(steps.len());
    let (n_steps, n_commands) = match room.checked_sub(n_steps) {
        None => (0, 0),
        Some(room) => (n_steps, cells(commands.len()).min(room).min(6)),
    };
    let [fields, note, changes, below, commands_area] = Layout::vertical([
        Constraint::Length(n_fields),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(n_steps),
        Constraint::Length(n_commands),
    ])
    .areas(area);
    dialog.form.render(fields, painter);
    match dialog.question() {
        Some(question) => render_question(question, dialog, scene, note, painter),
        None => render_note(dialog, detail, scene, note, painter),
    }
    render_changes(dialog, scene, changes, painter);
    painter.draw(Paragraph::new(steps), below);
    painter.draw(Paragraph::new(commands), commands_area);
}

/// Returns the words of the spinner while the stages are read, with the name that was typed meanwhile.
fn reading(dialog: &DeployModal) -> String {
    let name = dialog.form.text(Part::Stage);
    match (name.is_empty(), dialog.start_mode) {
        (true, _) => "reading the stages".to_owned(),
        (false, StartMode::WithPlan) => format!("reading the stages, then deploying to {name}"),
        (false, _) => format!("reading the stages; new stage {name}"),
    }
}

fn render_unread(failure: &Failure, area: Rect, painter: &mut Painter<'_, '_>) {
    let look = painter.look;
    let key = keys::named(Scope::Deploy, Action::Refresh);
    let mut lines = vec![Line::default()];
    lines.extend(failure::lines(failure, usize::from(area.width), look));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled(key, look.theme.key),
        Span::styled(" try again", look.theme.dim),
    ]));
    painter.draw(Paragraph::new(lines), area);
}

/// Returns the rows of the dialog, where there is room. The known changes of all stages count before there is a plan,
/// so that the dialog does not jump when the plan comes or another stage is chosen.
fn rows(dialog: &DeployModal, scene: Scene<'_>, width: u16) -> u16 {
    let columns = usize::from(width).saturating_sub(4);
    let detail = scene.data.library.detail(&dialog.api);
    let n_stages = detail.map_or(2, |detail| detail.stages.len());
    let known = detail.into_iter().flat_map(|detail| detail.drift.values());
    let known = known.map(|drift| match drift {
        Drift::Changes(changes) => changes.len() + 1,
        _ => 2,
    });
    let planned = match &dialog.plan {
        Remote::Failed { failure, .. } => failure::lines(failure, columns, scene.look).len(),
        plan => plan.data().map_or(0, |plan| {
            changes(plan, scene, columns.saturating_sub(2)).len()
        }),
    };
    let n_changes = known.max().unwrap_or(0).max(planned).max(LEAST_CHANGES);
    let plan = dialog.plan.data();
    let n_steps = plan.map_or(2, |plan| steps(plan, scene, columns).len());
    let n_commands = plan.map_or(0, |plan| {
        command::lines(&plan.commands, columns, scene.look).len()
    });
    let fields = n_stages + 1 + 2;
    cells(fields + n_changes + n_steps + n_commands.max(LEAST_COMMANDS) + 2)
}

fn frame_block<'a>(dialog: &DeployModal, scene: Scene<'_>) -> Block<'a> {
    let look = scene.look;
    let name = scene.data.api_name(&dialog.api);
    let name = text::fit(&name, 40, look.glyphs.ellipsis);
    let title = format!("Deploy API {} {name}", look.glyphs.dot);
    let mut block = panel(look, title, true);
    if dialog.question().is_some() && dialog.is_for_production(scene) {
        block = block.border_style(look.theme.danger);
    }
    block.title_bottom(hints(&keys_now(dialog, scene), look).alignment(Alignment::Right))
}

/// Returns the keys that work now, each with what it does.
fn keys_now(dialog: &DeployModal, scene: Scene<'_>) -> Vec<(String, &'static str)> {
    if let Some(question) = dialog.question() {
        return question.hints("deploy", scene.look);
    }
    let detail = scene.data.library.detail(&dialog.api);
    let does = match detail.and_then(|detail| dialog.named(detail)) {
        Some(_) => "choose it",
        None => "deploy",
    };
    vec![
        (scene.look.glyphs.enter.to_owned(), does),
        (keys::named(Scope::Deploy, Action::Copy), "copy commands"),
        (keys::named(Scope::Deploy, Action::Back), "cancel"),
    ]
}

/// True when the plan at hand is for another stage than the one that is chosen now.
fn is_for_another(dialog: &DeployModal) -> bool {
    dialog.plan.data().is_some_and(|plan| {
        let planned = plan.request.stage.name().as_str();
        match dialog.form.pick(Part::Stage) {
            Pick::Row(name) | Pick::Typed(name) => planned != name,
            Pick::Nothing => true,
        }
    })
}

fn render_changes(
    dialog: &DeployModal,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let columns = usize::from(area.width).saturating_sub(2);
    let plan = dialog.plan.data().filter(|_| !is_for_another(dialog));
    let lines = match (&dialog.plan, plan) {
        (Remote::Failed { failure, .. }, _) => failure::lines(failure, columns, scene.look),
        (_, Some(plan)) => changes(plan, scene, columns),
        (_, None) => {
            if let Some(what) = awaited(dialog, scene) {
                waiting::spinner(&what, area, painter);
            }
            return;
        }
    };
    scroll::render_beside(&lines, dialog.scroll, area, painter);
}

/// Returns the words for the plan while it is on its way; none while no plan is.
fn awaited(dialog: &DeployModal, scene: Scene<'_>) -> Option<String> {
    let record = scene.data.library.records.get(&dialog.api);
    let draft = record.map(|record| &record.draft);
    let is_reading = draft.is_some_and(|draft| draft.ticket().is_some());
    let is_coming = dialog.plan.is_loading() || dialog.due.is_some() || is_reading;
    if !is_coming || dialog.wanted(&scene.data.library, scene.look).is_err() {
        return None;
    }
    let progress = draft.and_then(|draft| draft.progress);
    Some(match progress.filter(|_| is_reading) {
        Some(progress) => format!("reading the draft: {}", progress.text()),
        None => "working out what will change".to_owned(),
    })
}
