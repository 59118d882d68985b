//! The Stages tab: the stages on the left, all about the selected stage on the right.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use jiff::Timestamp;
use ratatui::{
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::tab::TabView;
use crate::{
    model::{ApiDetail, Drift, Stage, limit::STAGES_PER_API},
    ui::{
        Action,
        data::seconds_up,
        keys::{self, Scope},
        library::Record,
        view::{Painter, Scene},
        widget::{
            age, change,
            fields::Fields,
            indented,
            listing::{Key, Listing, Rows, Total},
            panel, safe, scroll,
            table::{self, Cell, Column},
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
    tab: TabView<'_>,
    record: &Record,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let detail = &record.detail;
    let list_width = match area.width {
        ..80 => 24,
        80..110 => 32,
        _ => 38,
    };
    let [left, right] =
        Layout::horizontal([Constraint::Length(list_width), Constraint::Fill(1)]).areas(area);
    render_list(tab.list, record, scene, left, painter);
    let look = scene.look;
    let Some(stage) = selected(tab.list, detail) else {
        let inner = painter.enclose(panel(look, "", false), right);
        return nothing(detail, inner, painter);
    };
    let name = stage.name.as_str();
    let title = if look.is_production(&stage.name) {
        Line::from(safe(&format!("{name} production"), look.theme.danger))
    } else {
        Line::from(safe(name, look.theme.title))
    };
    let body = indented(painter.enclose(panel(look, title, false), right));
    let lines = about(
        stage,
        detail,
        scene,
        usize::from(body.width).saturating_sub(1),
    );
    scroll::render_beside(&lines, tab.scroll, body, painter);
}

/// Says why no stage is selected.
fn nothing(detail: &ApiDetail, area: Rect, painter: &mut Painter<'_, '_>) {
    let key = |action| keys::named(Scope::Stages, action);
    let deploys = format!("{} deploys the API to a new one.", key(Action::Deploy));
    let clears = format!("{} clears it.", key(Action::Back));
    let lines = if detail.stages.is_empty() {
        ["No stage yet.", &deploys]
    } else {
        ["No stage matches the filter.", &clears]
    };
    waiting::sentences(&lines, area, painter);
}

fn render_list(
    list: &Listing,
    record: &Record,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let stages = &record.detail.stages;
    let total = Total::OutOf(stages.len(), STAGES_PER_API);
    let title = list.title::<StageRows>("Stages", total, area.width, scene.look);
    let inner = painter.enclose(panel(scene.look, title, scene.has_keyboard), area);
    let stages = list.items(stages);
    let rows: Vec<Vec<Cell>> = stages.map(|stage| row(stage, record, scene)).collect();
    table::render(list, &COLUMNS, &rows, inner, painter);
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
    let url = detail.api.invoke_url(&stage.name);
    fields.styled("Invoke URL", &url, theme.link);
    let url = detail.api.callback_url(&stage.name);
    fields.styled("Callback URL", &url, theme.link);
    serves(stage, detail, &mut fields, scene);
    settling(stage, detail, &mut fields, scene);
    drift(stage, detail, &mut fields, scene);
    fields.gap();
    throttling(stage, &mut fields, scene);
    logging(stage, &mut fields);
    if stage.auto_deploy {
        let text = "on: AWS deploys every change by itself";
        fields.styled("Auto deploy", text, theme.warn);
    }
    fields.field("Description", stage.description.as_deref());
    variables(stage, &mut fields);
    let age = age::ago_or(changed_at(stage), scene.look.now, "unknown");
    fields.styled("Last changed", &age, theme.dim);
    fields.into_lines()
}

fn throttling(stage: &Stage, fields: &mut Fields<'_>, scene: Scene<'_>) {
    let theme = &scene.look.theme;
    let style = |throttle: &str, usual| {
        if throttle.starts_with("blocks") {
            theme.danger
        } else {
            usual
        }
    };
    let defaults = stage.default_route_settings.clone().unwrap_or_default();
    let text = defaults.throttle_text();
    fields.styled("Throttling", &text, style(&text, theme.text));
    for (key, route) in &stage.route_settings {
        let text = route.throttle_text();
        fields.below(&format!("{key}: {text}"), style(&text, theme.dim));
    }
}

fn variables(stage: &Stage, fields: &mut Fields<'_>) {
    if stage.variables.is_empty() {
        fields.field("Variables", None);
    }
    for (idx, (name, value)) in stage.variables.iter().enumerate() {
        let head = if idx == 0 { "Variables" } else { "" };
        fields.field(head, Some(&format!("{name} = {value}")));
    }
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
    let said = claim(stage, drift, detail, scene);
    let text = format!("{said}{}", age.unwrap_or_default());
    fields.styled("Draft", &text, style);
    unreadable(detail, fields, scene);
    if let Drift::Changes(changes) = drift {
        for change in changes {
            let text = change::text(change, &scene.look.glyphs);
            fields.below(&text, change::style(change, scene.look));
        }
    }
}

/// Returns the drift in words; a deployment whose proof is on its way is not unknown for good.
fn claim(stage: &Stage, drift: &Drift, detail: &ApiDetail, scene: Scene<'_>) -> String {
    let deploys = &scene.data.deploys;
    let serves = stage.deployment_id.as_ref();
    let is_awaited = serves.is_some_and(|id| deploys.awaits_proof_of(&detail.api.id, id));
    if is_awaited && *drift == Drift::Unknown {
        "not proved yet: the draft is read behind it".to_owned()
    } else {
        drift.text()
    }
}

/// Adds the failure of what could not be read now, which makes an older claim older still.
fn unreadable(detail: &ApiDetail, fields: &mut Fields<'_>, scene: Scene<'_>) {
    let theme = &scene.look.theme;
    let failure = detail.draft_failure();
    let Some(failure) = failure.or(detail.deployments.failure.as_ref()) else {
        return;
    };
    fields.below(&failure.title, theme.warn);
    for cause in &failure.causes {
        fields.below(cause, theme.dim);
    }
}

fn logging(stage: &Stage, fields: &mut Fields<'_>) {
    let settings = stage.default_route_settings.as_ref();
    let level = settings.and_then(|settings| settings.logging_level.as_deref());
    let level = level.unwrap_or("OFF").to_lowercase();
    let mut parts = vec![format!("execution {level}")];
    if settings.is_some_and(|settings| settings.data_trace_enabled == Some(true)) {
        parts.push("with whole payloads".to_owned());
    }
    let access = stage.access_log.as_ref();
    match access.and_then(|log| log.destination_arn.as_deref()) {
        Some(arn) => parts.push(format!("access to {arn}")),
        None => parts.push("access off".to_owned()),
    }
    fields.field("Logging", Some(&parts.join(", ")));
}
