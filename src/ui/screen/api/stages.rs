//! The Stages tab: the stages on the left, all about the selected stage on the right.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{ApiScreen, render_detail};
use crate::{
    model::{ApiDetail, Drift, RouteSettings, Stage, limit::STAGES_PER_API},
    ui::{
        Action,
        data::seconds_up,
        keys::{self, Scope},
        library::Record,
        view::{Placed, Scene},
        widget::{
            age, change,
            fields::Fields,
            listing::{Key, Listing, Rows},
            panel, safe,
            table::{Cell, Column, Table},
            waiting,
        },
    },
};

const COLUMNS: [Column; 3] = [
    Column {
        title: "STAGE",
        most: 24,
        keep: 100,
    },
    Column {
        title: "SERVES",
        most: 8,
        keep: 60,
    },
    Column {
        title: "DRIFT",
        most: 7,
        keep: 80,
    },
];

/// The stages of an API as rows of a list.
pub(super) struct StageRows;

impl Rows for StageRows {
    type Item = Stage;

    const ORDERS: &'static [&'static str] = &["name", "changed"];

    fn id<'a>(&'a self, stage: &'a Stage) -> Cow<'a, str> {
        Cow::Borrowed(stage.name.as_str())
    }

    fn text(&self, stage: &Stage) -> String {
        stage.name.to_string()
    }

    fn key<'a>(&'a self, order: usize, stage: &'a Stage) -> Key<'a> {
        match order {
            0 => Key::Given,
            _ => Key::Newest(Reverse(stage.updated_at)),
        }
    }
}

pub(super) fn selected<'a>(list: &Listing, detail: &'a ApiDetail) -> Option<&'a Stage> {
    list.selected(&StageRows, &detail.stages)
}

/// Returns the time until an age that is shown says something else, or a claim is no longer fresh.
pub(super) fn next_age(list: &Listing, detail: &ApiDetail, now: Timestamp) -> Option<Duration> {
    let stage = selected(list, detail);
    let served = stage.and_then(|stage| detail.deployment(stage.deployment_id.as_ref()?));
    let ages = [
        stage.and_then(changed_at),
        served.and_then(|deployment| deployment.created_at),
    ];
    let readings = [detail.stages.as_of, detail.drift_as_of()];
    let readings = readings.into_iter().flatten();
    let readings = readings.filter_map(|as_of| age::as_of_changes_in(as_of, now));
    readings.chain(age::until_change(ages, now)).min()
}

fn changed_at(stage: &Stage) -> Option<Timestamp> {
    stage.updated_at.or(stage.created_at)
}

pub(super) fn render(
    (screen, record): (&ApiScreen, &Record),
    scene: Scene<'_>,
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    let detail = &record.detail;
    let list_width = match area.width {
        ..80 => 24,
        80..110 => 32,
        _ => 38,
    };
    let [left, right] =
        Layout::horizontal([Constraint::Length(list_width), Constraint::Fill(1)]).areas(area);
    render_list(&screen.stages, (record, scene), left, frame, placed);
    let Some(stage) = selected(&screen.stages, detail) else {
        let block = panel(scene.look, "", false);
        let inner = block.inner(right);
        frame.render_widget(block, right);
        let key = |action| keys::named(Scope::Stages, action);
        let deploys = format!("{} deploys the API to a new one.", key(Action::Deploy));
        let clears = format!("{} clears it.", key(Action::Back));
        let lines = if detail.stages.is_empty() {
            ["No stage yet.", &deploys]
        } else {
            ["No stage matches the filter.", &clears]
        };
        waiting::sentences(&lines, scene.look, inner, frame);
        return;
    };
    let title = if scene.look.is_production(&stage.name) {
        Line::from(vec![
            safe(stage.name.as_str(), scene.look.theme.danger),
            safe(" production", scene.look.theme.danger),
        ])
    } else {
        Line::from(safe(stage.name.as_str(), scene.look.theme.title))
    };
    let block = panel(scene.look, title, false);
    let inner = block.inner(right);
    frame.render_widget(block, right);
    let [_, body] = Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    let columns = usize::from(body.width).saturating_sub(1);
    let lines = about(stage, detail, scene, columns);
    render_detail(&lines, screen.detail, (scene, body), frame, placed);
}

fn render_list(
    list: &Listing,
    (record, scene): (&Record, Scene<'_>),
    area: Rect,
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    let detail = &record.detail;
    let title = list.title::<StageRows>(
        "Stages",
        (Some(detail.stages.len()), Some(STAGES_PER_API)),
        area.width,
        scene.look,
    );
    let block = panel(scene.look, title, scene.has_keyboard);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let stages = list.items(&detail.stages);
    let rows: Vec<Vec<Cell>> = stages.map(|stage| row(stage, record, scene)).collect();
    let shown = (&COLUMNS[..], &rows[..]);
    let table = Table::of_list(list, shown, inner, scene.look, placed);
    frame.render_widget(&table, inner);
}

fn row(stage: &Stage, record: &Record, scene: Scene<'_>) -> Vec<Cell> {
    let theme = &scene.look.theme;
    let detail = &record.detail;
    let is_marked = record.is_marked(&stage.name, scene.look.now);
    let name_style = if scene.look.is_production(&stage.name) {
        theme.danger
    } else {
        theme.text
    };
    let serves = match &stage.deployment_id {
        Some(id) => id.as_str(),
        None => scene.look.glyphs.dash,
    };
    let drift = match detail.drift.get(&stage.name) {
        None | Some(Drift::UpToDate) => Cell::new(scene.look.glyphs.dash, theme.dim),
        Some(drift) if !drift.is_compared() || *drift == Drift::Unknown => {
            Cell::new(drift.short_text(), theme.dim)
        }
        Some(drift) => Cell::new(drift.short_text(), theme.changed),
    };
    vec![
        Cell::searched(stage.name.to_string(), name_style, 0),
        Cell::new(serves, if is_marked { theme.changed } else { theme.dim }),
        drift,
    ]
}

/// Returns the lines about a stage.
fn about(
    stage: &Stage,
    detail: &ApiDetail,
    scene: Scene<'_>,
    columns: usize,
) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    let mut fields = Fields::new(scene.look, columns);
    fields.styled(
        "Invoke URL",
        &detail.api.invoke_url(&stage.name),
        theme.link,
    );
    fields.styled(
        "Callback URL",
        &detail.api.callback_url(&stage.name),
        theme.link,
    );
    serves(stage, detail, &mut fields, scene);
    settling(stage, detail, &mut fields, scene);
    drift(stage, detail, &mut fields, scene);
    fields.gap();
    let settings = stage.default_route_settings.clone().unwrap_or_default();
    let throttle = settings.throttle_text();
    if throttle.starts_with("blocks") {
        fields.styled("Throttling", &throttle, theme.danger);
    } else {
        fields.field("Throttling", Some(&throttle));
    }
    for (key, route) in &stage.route_settings {
        let text = format!("{key}: {}", route.throttle_text());
        let style = if route.throttle_text().starts_with("blocks") {
            theme.danger
        } else {
            theme.dim
        };
        fields.below(&text, style);
    }
    logging(stage, &settings, &mut fields);
    if stage.auto_deploy {
        fields.styled(
            "Auto deploy",
            "on: AWS deploys every change by itself",
            theme.warn,
        );
    }
    fields.field("Description", stage.description.as_deref());
    if stage.variables.is_empty() {
        fields.field("Variables", None);
    }
    for (idx, (name, value)) in stage.variables.iter().enumerate() {
        let head = if idx == 0 { "Variables" } else { "" };
        fields.field(head, Some(&format!("{name} = {value}")));
    }
    let age = age::ago_or(changed_at(stage), scene.look.now, "unknown");
    fields.styled("Last changed", &age, theme.dim);
    fields.into_lines()
}

fn serves(stage: &Stage, detail: &ApiDetail, fields: &mut Fields<'_>, scene: Scene<'_>) {
    let theme = &scene.look.theme;
    let dot = scene.look.glyphs.dot;
    let Some(id) = &stage.deployment_id else {
        fields.styled("Deployment", "none: nobody can connect", theme.warn);
        return;
    };
    let text = match detail.deployment(id) {
        Some(deployment) => {
            let title = deployment.title().unwrap_or("no description");
            let age = age::ago_or(deployment.created_at, scene.look.now, "unknown age");
            format!("{id} {dot} {title} {dot} {age}")
        }
        None => id.to_string(),
    };
    fields.field("Deployment", Some(&text));
}

/// Adds that the stage was moved a moment ago, and that the old deployment may still answer meanwhile.
fn settling(stage: &Stage, detail: &ApiDetail, fields: &mut Fields<'_>, scene: Scene<'_>) {
    if let Some(left) = scene
        .data
        .deploys
        .settles_in(&detail.api.id, &stage.name, scene.look.now)
    {
        let seconds = seconds_up(left);
        let text = format!("set; old and new answer side by side, up to {seconds} s");
        fields.styled("", &text, scene.look.theme.warn);
    }
}

/// Adds the drift between the draft and the stage, with the age of its oldest part. The claim that the stage is up to
/// date is green for as long as it is fresh.
fn drift(stage: &Stage, detail: &ApiDetail, fields: &mut Fields<'_>, scene: Scene<'_>) {
    let theme = &scene.look.theme;
    let Some(drift) = detail.drift.get(&stage.name) else {
        fields.field("Draft", None);
        return;
    };
    let as_of = detail.drift_as_of();
    let is_fresh = as_of.is_some_and(|as_of| scene.look.now.duration_since(as_of) < age::FRESH);
    let style = match drift {
        Drift::UpToDate if is_fresh => theme.ok,
        Drift::UpToDate | Drift::Unknown | Drift::Unread | Drift::Unlisted => theme.dim,
        _ => theme.changed,
    };
    let age = as_of.filter(|_| !is_fresh).map(|as_of| {
        let dot = scene.look.glyphs.dot;
        format!(" {dot} as of {}", age::as_of(as_of, scene.look.now))
    });
    let serves = stage.deployment_id.as_ref();
    let is_awaited =
        serves.is_some_and(|id| scene.data.deploys.awaits_proof_of(&detail.api.id, id));
    let said = if is_awaited && *drift == Drift::Unknown {
        "not proved yet: the draft is read behind it".to_owned()
    } else {
        drift.text()
    };
    let text = format!("{said}{}", age.unwrap_or_default());
    fields.styled("Draft", &text, style);
    // What could not be read now makes an older claim older still.
    let failure = detail
        .draft_failure()
        .or(detail.deployments.failure.as_ref());
    if let Some(failure) = failure {
        fields.below(&failure.title, theme.warn);
        for cause in &failure.causes {
            fields.below(cause, theme.dim);
        }
    }
    if let Drift::Changes(changes) = drift {
        for change in changes {
            fields.below(
                &change::text(change, &scene.look.glyphs),
                change::style(change, scene.look),
            );
        }
    }
}

fn logging(stage: &Stage, settings: &RouteSettings, fields: &mut Fields<'_>) {
    let level = settings.logging_level.as_deref().unwrap_or("OFF");
    let mut parts = vec![format!("execution {}", level.to_lowercase())];
    if settings.data_trace_enabled == Some(true) {
        parts.push("with whole payloads".to_owned());
    }
    let access = stage.access_log.as_ref();
    match access.and_then(|log| log.destination_arn.as_deref()) {
        Some(arn) => parts.push(format!("access to {arn}")),
        None => parts.push("access off".to_owned()),
    }
    fields.field("Logging", Some(&parts.join(", ")));
}
