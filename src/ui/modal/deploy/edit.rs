//! The dialog before the deploy: stage, description, changes, steps, commands.

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

use super::{
    DeployModal, Haste, NAMES,
    contents::{changes, commands, steps},
    notes::{render_note, render_question},
    stages::{self, Choice},
};
use crate::{
    model::{ApiDetail, Drift, Failure, Stage},
    ui::{
        Action, Remote,
        keys::{self, Scope},
        text,
        view::{Placed, Scene},
        widget::{age, cells, failure, modal_area, panel, scroll::ScrolledText, waiting},
    },
};

/// Rows that the dialog keeps for changes, and for commands, even where there are fewer.
const LEAST_CHANGES: usize = 4;
const LEAST_COMMANDS: usize = 4;

pub(super) fn render(
    dialog: &DeployModal,
    scene: Scene<'_>,
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    let width = area.width.min(100);
    let height = match rows(dialog, scene, width) {
        // One or two rows of what is behind would only look like a fault.
        rows if rows + 2 >= area.height => area.height,
        rows => rows,
    };
    let place = modal_area(area, (width, height), frame);
    let block = frame_block(dialog, scene);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let [_, body, _] = Layout::horizontal([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(inner);
    let detail = scene.data.library.detail(&dialog.api);
    let Some(detail) = detail.filter(|detail| detail.stages.is_known()) else {
        match scene.data.library.stages_failure(&dialog.api) {
            Some(failure) => render_unread(failure, scene, body, frame),
            None => waiting::spinner(&reading(dialog), scene.look, body, frame),
        }
        return;
    };
    let plan = dialog.plan.data().filter(|_| !is_for_another(dialog));
    let columns = usize::from(body.width);
    let steps = plan.map_or_else(Vec::new, |plan| steps(plan, scene, columns));
    let commands = plan.map_or_else(Vec::new, |plan| commands(plan, scene, columns));
    let n_choices = cells(detail.stages.len() + 1);
    let n_choices = n_choices.min((body.height / 3).max(3));
    // Where room is short the changes come before the steps, and the steps before the commands.
    let others = n_choices + 2 + cells(LEAST_CHANGES);
    let room = body.height.saturating_sub(others);
    let n_steps = cells(steps.len());
    let (n_steps, n_commands) = match room.checked_sub(n_steps) {
        None => (0, 0),
        Some(room) => (n_steps, cells(commands.len()).min(room).min(6)),
    };
    let [stages, description, note, changes, below, commands_area] = Layout::vertical([
        Constraint::Length(n_choices),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(n_steps),
        Constraint::Length(n_commands),
    ])
    .areas(body);
    render_stages(dialog, (detail, scene), stages, frame, placed);
    render_description(dialog, scene, description, frame);
    match dialog.question() {
        Some(question) => render_question(question, (dialog, scene), note, frame, placed),
        None => render_note(dialog, (detail, scene), note, frame),
    }
    render_changes(dialog, scene, changes, frame, placed);
    frame.render_widget(Paragraph::new(steps), below);
    frame.render_widget(Paragraph::new(commands), commands_area);
}

/// Returns the words of the spinner while the stages are read, with the name that was typed meanwhile.
fn reading(dialog: &DeployModal) -> String {
    let name = dialog.name.text();
    match (name.is_empty(), dialog.haste) {
        (true, _) => "reading the stages".to_owned(),
        (false, Haste::Going) => format!("reading the stages, then deploying to {name}"),
        (false, _) => format!("reading the stages; new stage {name}"),
    }
}

fn render_unread(failure: &Failure, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let mut lines = vec![Line::default()];
    lines.extend(failure::lines(failure, usize::from(area.width), scene.look));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled(
            keys::named(Scope::Deploy, Action::Refresh),
            scene.look.theme.key,
        ),
        Span::styled(" try again", scene.look.theme.dim),
    ]));
    frame.render_widget(Paragraph::new(lines), area);
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
    let n_commands = plan.map_or(0, |plan| commands(plan, scene, columns).len());
    let fields = n_stages + 1 + 2;
    cells(fields + n_changes + n_steps + n_commands.max(LEAST_COMMANDS) + 2)
}

fn frame_block<'a>(dialog: &DeployModal, scene: Scene<'_>) -> Block<'a> {
    let theme = &scene.look.theme;
    let glyphs = &scene.look.glyphs;
    let name = scene.data.api_name(&dialog.api);
    let name = text::fit(&name, 40, glyphs.ellipsis);
    let detail = scene.data.library.detail(&dialog.api);
    let enter = match detail.and_then(|detail| dialog.named(detail)) {
        Some(_) => " choose it",
        None => " deploy",
    };
    let hints = match dialog.question() {
        Some(question) if question.is_open(scene.look.now) => {
            vec![
                (glyphs.enter.to_owned(), " deploy"),
                ("any other key".to_owned(), " takes it back"),
            ]
        }
        Some(_) => vec![("any other key".to_owned(), " takes it back")],
        None => vec![
            (glyphs.enter.to_owned(), enter),
            (keys::named(Scope::Deploy, Action::Copy), " copy commands"),
            (keys::named(Scope::Deploy, Action::Back), " cancel"),
        ],
    };
    let mut spans = vec![Span::raw(" ")];
    for (idx, (key, label)) in hints.into_iter().enumerate() {
        if idx > 0 {
            spans.push(Span::styled(format!(" {} ", glyphs.dot), theme.border));
        }
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(label, theme.dim));
    }
    spans.push(Span::raw(" "));
    let mut block = panel(
        scene.look,
        format!("Deploy API {} {name}", glyphs.dot),
        true,
    );
    if dialog.question().is_some() && dialog.is_for_production(scene) {
        block = block.border_style(theme.danger);
    }
    block.title_bottom(Line::from(spans).alignment(Alignment::Right))
}

/// True when the plan at hand is for another stage than the one that is chosen now.
fn is_for_another(dialog: &DeployModal) -> bool {
    dialog.plan.data().is_some_and(|plan| {
        let planned = plan.request.stage.name().as_str();
        match &dialog.choice {
            Some(Choice::Stage(name)) => planned != name.as_str(),
            Some(Choice::New) => planned != dialog.name.text(),
            None => true,
        }
    })
}

fn render_stages(
    dialog: &DeployModal,
    (detail, scene): (&ApiDetail, Scene<'_>),
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    let theme = &scene.look.theme;
    let [names, rows] =
        Layout::horizontal([Constraint::Length(NAMES), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Span::styled("Stage", theme.heading), names);
    let choices = stages::choices(detail, scene.look);
    let at = choices
        .iter()
        .position(|choice| Some(choice) == dialog.choice.as_ref())
        .unwrap_or(0);
    let page = usize::from(rows.height).max(1);
    let offset = (at + 1).saturating_sub(page);
    placed.page = rows.height;
    let name_columns = detail
        .stages
        .iter()
        .map(|stage| text::width(stage.name.as_str()))
        .max()
        .unwrap_or(0)
        .clamp(8, 24);
    for (line, idx) in (offset..choices.len().min(offset + page)).enumerate() {
        let row = Rect {
            y: rows.y + cells(line),
            height: 1,
            ..rows
        };
        let is_selected = idx == at;
        let line = match &choices[idx] {
            Choice::Stage(name) => {
                let look = (is_selected, name_columns, usize::from(row.width));
                let stage = detail.stage(name);
                stage.map_or_else(Line::default, |stage| {
                    stage_line((stage, detail), look, dialog, scene)
                })
            }
            Choice::New => new_line(is_selected, dialog, scene),
        };
        frame.render_widget(line, row);
        if choices[idx] == Choice::New {
            render_name(is_selected, dialog, scene, row, frame);
        }
    }
}

fn row_style(is_selected: bool, dialog: &DeployModal, scene: Scene<'_>) -> Style {
    match (is_selected, dialog.is_describing) {
        (true, false) => scene.look.theme.selection,
        (true, true) => scene.look.theme.selection_idle,
        (false, _) => scene.look.theme.text,
    }
}

fn stage_line(
    (stage, detail): (&Stage, &ApiDetail),
    (is_selected, name_columns, columns): (bool, usize, usize),
    dialog: &DeployModal,
    scene: Scene<'_>,
) -> Line<'static> {
    let theme = &scene.look.theme;
    let base = row_style(is_selected, dialog, scene);
    let dim = if is_selected { base } else { theme.dim };
    let name = if scene.look.is_production(&stage.name) && !is_selected {
        theme.danger
    } else {
        base
    };
    let serves = match &stage.deployment_id {
        None => "serves nothing yet".to_owned(),
        Some(id) => {
            let made = detail.deployment(id).and_then(|d| d.created_at);
            match made {
                Some(made) => format!("serves {id}, deployed {}", age::ago(made, scene.look.now)),
                None => format!("serves {id}"),
            }
        }
    };
    let production = if scene.look.is_production(&stage.name) {
        format!("production {} ", scene.look.glyphs.dot)
    } else {
        String::new()
    };
    let pointer = if is_selected {
        scene.look.glyphs.pointer
    } else {
        " "
    };
    let ellipsis = scene.look.glyphs.ellipsis;
    let room = columns.saturating_sub(name_columns + 5);
    let told = text::fit(&format!("{production}{serves}"), room, ellipsis);
    Line::from(vec![
        Span::styled(format!("{pointer} "), base),
        Span::styled(
            text::fit_padded(stage.name.as_str(), name_columns, ellipsis),
            name,
        ),
        Span::styled(format!("  {told} "), dim),
    ])
}

/// Draws the name of the new stage; one that was typed stays in sight while another row is chosen.
fn render_name(
    is_selected: bool,
    dialog: &DeployModal,
    scene: Scene<'_>,
    row: Rect,
    frame: &mut Frame<'_>,
) {
    let left = 16.min(row.width);
    let field = Rect {
        x: row.x + left,
        width: row.width - left,
        ..row
    };
    if is_selected {
        let has_cursor = !dialog.is_describing;
        let widget = dialog.name.widget(&scene.look.theme, has_cursor);
        frame.render_widget(&widget, field);
    } else {
        let columns = usize::from(field.width);
        let name = match dialog.name.text() {
            "" => "type its name",
            name => name,
        };
        let name = text::fit(name, columns, scene.look.glyphs.ellipsis);
        frame.render_widget(Line::styled(name, scene.look.theme.dim), field);
    }
}

fn new_line(is_selected: bool, dialog: &DeployModal, scene: Scene<'_>) -> Line<'static> {
    let base = row_style(is_selected, dialog, scene);
    let pointer = if is_selected {
        scene.look.glyphs.pointer
    } else {
        " "
    };
    Line::styled(format!("{pointer} [New stage] "), base)
}

fn render_description(dialog: &DeployModal, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let theme = &scene.look.theme;
    let [name, field] =
        Layout::horizontal([Constraint::Length(NAMES + 2), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Span::styled("Description", theme.heading), name);
    if dialog.description.is_empty() && !dialog.is_describing {
        let none = format!(
            "none; {} writes one",
            keys::named(Scope::Deploy, Action::NextField)
        );
        frame.render_widget(Line::styled(none, theme.dim), field);
    } else {
        let widget = dialog.description.widget(theme, dialog.is_describing);
        frame.render_widget(&widget, field);
    }
}

fn render_changes(
    dialog: &DeployModal,
    scene: Scene<'_>,
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    match &dialog.plan {
        Remote::Failed { failure, .. } => {
            let columns = usize::from(area.width).saturating_sub(2);
            let lines = failure::lines(failure, columns, scene.look);
            render_scrolled(&lines, (dialog, scene), area, frame, placed);
        }
        _ if is_for_another(dialog) || dialog.plan.data().is_none() => {
            let record = scene.data.library.records.get(&dialog.api);
            let draft = record.map(|record| &record.draft);
            let is_reading = draft.is_some_and(|draft| draft.ticket().is_some());
            let is_coming = dialog.plan.is_loading() || dialog.due.is_some() || is_reading;
            if is_coming && dialog.wanted(&scene.data.library, scene.look).is_ok() {
                let progress = draft.and_then(|draft| draft.progress);
                let what = match progress {
                    Some(progress) if is_reading => {
                        format!("reading the draft: {}", progress.text())
                    }
                    _ => "working out what will change".to_owned(),
                };
                waiting::spinner(&what, scene.look, area, frame);
            }
        }
        plan => {
            let Some(plan) = plan.data() else { return };
            let lines = changes(plan, scene, usize::from(area.width).saturating_sub(2));
            render_scrolled(&lines, (dialog, scene), area, frame, placed);
        }
    }
}

fn render_scrolled(
    lines: &[Line<'static>],
    (dialog, scene): (&DeployModal, Scene<'_>),
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    placed.side_page = area.height;
    placed.side_length = lines.len();
    let text = ScrolledText {
        lines,
        scroll: dialog.scroll,
        look: scene.look,
    };
    frame.render_widget(&text, area);
}
