//! The Routes tab: the integration that each route calls, and two-way routes, whose answer goes back to the client.
//!
//! ```text
//! ╭ Routes 4 ──────────────────────────────────────────────╮
//! │  KEY          INTEGRATION   TARGET             TWO-WAY  │
//! │▸ $connect     HTTP_PROXY    POST http://…      –        │
//! │  sendMessage  MOCK                             yes      │
//! ╰─────────────────────────────────────────────────────────╯
//! ╭ $connect ──────────────────────────────────────────────╮
//! │ Authorization  NONE                                     │
//! ╰─────────────────────────────────────────────────────────╯
//! ```

use std::{borrow::Cow, collections::BTreeMap};

use ratatui::{
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::tab::TabView;
use crate::{
    model::{ApiDetail, Integration, Route},
    ui::{
        Action,
        keys::{self, Scope},
        view::{Painter, Scene},
        widget::{
            fields::Fields,
            indented,
            listing::{Key, Listing, Rows, Total},
            panel, safe, scroll,
            table::{self, Cell, Column},
            waiting,
        },
    },
};

const COLUMNS: [Column; 4] = [
    Column {
        title: "KEY",
        most: 28,
        keep: 100,
    },
    Column {
        title: "INTEGRATION",
        most: 12,
        keep: 70,
    },
    Column {
        title: "TARGET",
        most: 60,
        keep: 60,
    },
    Column {
        title: "TWO-WAY",
        most: 7,
        keep: 50,
    },
];

/// The routes of an API as rows of a list.
pub(super) struct RouteRows<'a>(pub(super) &'a ApiDetail);

impl Rows for RouteRows<'_> {
    type Item = Route;

    const ORDERS: &'static [&'static str] = &["key", "target"];

    fn id<'a>(&'a self, route: &'a Route) -> Cow<'a, str> {
        Cow::Borrowed(&route.key)
    }

    fn text(&self, route: &Route) -> String {
        format!("{} {}", route.key, target(route, self.0))
    }

    fn key<'a>(&'a self, order: usize, route: &'a Route) -> Key<'a> {
        match order {
            0 => Key::Given,
            _ => Key::Text(target(route, self.0).into(), &route.key),
        }
    }
}

pub(super) fn selected<'a>(list: &Listing, detail: &'a ApiDetail) -> Option<&'a Route> {
    list.selected(&RouteRows(detail), &detail.routes)
}

fn integration<'a>(route: &Route, detail: &'a ApiDetail) -> Option<&'a Integration> {
    detail.integration(&route.integration_id()?)
}

/// Returns the method and URI of a route's integration; empty when there is none.
fn target(route: &Route, detail: &ApiDetail) -> String {
    let Some(integration) = integration(route, detail) else {
        return String::new();
    };
    let method = integration.method.as_deref().unwrap_or_default();
    let uri = integration.uri.as_deref().unwrap_or_default();
    format!("{method} {uri}").trim().to_owned()
}

pub(super) fn render(
    tab: TabView<'_>,
    detail: &ApiDetail,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let [top, bottom] = if area.width >= 120 {
        Layout::horizontal([Constraint::Percentage(60), Constraint::Fill(1)]).areas(area)
    } else {
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(area)
    };
    render_list(tab.list, detail, scene, top, painter);
    let look = scene.look;
    let Some(route) = selected(tab.list, detail) else {
        return painter.draw(panel(look, "", false), bottom);
    };
    let block = panel(look, safe(&route.key, look.theme.title), false);
    let body = indented(painter.enclose(block, bottom));
    let lines = about(
        route,
        detail,
        scene,
        usize::from(body.width).saturating_sub(1),
    );
    scroll::render_beside(&lines, tab.scroll, body, painter);
}

fn render_list(
    list: &Listing,
    detail: &ApiDetail,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let total = Total::Known(detail.routes.len());
    let title = list.title::<RouteRows<'_>>("Routes", total, area.width, scene.look);
    let inner = painter.enclose(panel(scene.look, title, scene.has_keyboard), area);
    if detail.routes.is_empty() {
        let refuses = "API Gateway refuses to deploy an API without any.";
        return waiting::sentences(&["No routes yet.", refuses], inner, painter);
    }
    if list.rows().is_empty() {
        let clears = format!("{} clears it.", keys::named(Scope::Routes, Action::Back));
        let lines = ["No route matches the filter.", &clears];
        return waiting::sentences(&lines, inner, painter);
    }
    let routes = list.items(&detail.routes);
    let rows: Vec<Vec<Cell>> = routes.map(|route| row(route, detail, scene)).collect();
    table::render(list, &COLUMNS, &rows, inner, painter);
}

fn row(route: &Route, detail: &ApiDetail, scene: Scene<'_>) -> Vec<Cell> {
    let theme = &scene.look.theme;
    let kind = match integration(route, detail) {
        Some(integration) => Cell::new(integration.integration_type.clone(), theme.text),
        None => Cell::new("none", theme.warn),
    };
    let two_way = if route.is_two_way() {
        Cell::new("yes", theme.text)
    } else {
        Cell::new(scene.look.glyphs.dash, theme.dim)
    };
    vec![
        Cell::searched(route.key.clone(), theme.text, 0),
        kind,
        Cell::searched(
            target(route, detail),
            theme.dim,
            route.key.chars().count() + 1,
        ),
        two_way,
    ]
}

/// Returns the lines about a route and its integration.
fn about(
    route: &Route,
    detail: &ApiDetail,
    scene: Scene<'_>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut fields = Fields::new(scene.look, columns);
    match (integration(route, detail), &route.target) {
        (Some(integration), _) => about_integration(integration, &mut fields),
        (None, target) => {
            let text = match target {
                Some(target) => format!("{target} is not there: every message fails"),
                None => "none: every message fails".to_owned(),
            };
            fields.styled("Integration", &text, scene.look.theme.warn);
        }
    }
    let answers = if route.is_two_way() {
        "two-way: the answer goes back to the client"
    } else {
        "one-way: the answer is dropped"
    };
    fields.field("Answers", Some(answers));
    fields.field("Authorization", Some(&route.authorization_type));
    if route.api_key_required {
        fields.field("API key", Some("required"));
    }
    fields.if_set("Operation", route.operation_name.as_deref());
    let expression = route.model_selection_expression.as_deref();
    fields.if_set("Model chosen by", expression);
    map_fields("Models", &route.request_models, &mut fields);
    fields.into_lines()
}

fn about_integration(integration: &Integration, fields: &mut Fields<'_>) {
    let text = format!("{} {}", integration.integration_type, integration.id);
    fields.field("Integration", Some(&text));
    if let Some(uri) = &integration.uri {
        let method = integration.method.as_deref().unwrap_or_default();
        fields.field("Calls", Some(format!("{method} {uri}").trim()));
    }
    if let Some(timeout) = integration.timeout_ms {
        fields.field("Timeout", Some(&format!("{timeout} ms")));
    }
    if let Some(behavior) = &integration.passthrough_behavior {
        fields.field("Passthrough", Some(behavior));
    }
    map_fields("Parameters", &integration.request_parameters, fields);
    map_fields("Templates", &integration.request_templates, fields);
    for (idx, response) in integration.responses.iter().enumerate() {
        let head = if idx == 0 { "Responses" } else { "" };
        fields.field(head, Some(&response.key));
    }
}

fn map_fields(name: &str, entries: &BTreeMap<String, String>, fields: &mut Fields<'_>) {
    for (idx, (key, value)) in entries.iter().enumerate() {
        let head = if idx == 0 { name } else { "" };
        fields.field(head, Some(&format!("{key} = {value}")));
    }
}
