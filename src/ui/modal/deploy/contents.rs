//! The plan in the dialog, line by line: the changes, the steps, the AWS CLI commands.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::{
    model::{
        Drift,
        plan::{DeployPlan, StageChoice},
    },
    ui::{
        text,
        view::Scene,
        widget::{age, change, safe},
    },
};

/// Returns the lines of the changes that the deploy makes on the stage, and of the plan's warnings.
pub(super) fn changes(plan: &DeployPlan, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    let stage = plan.request.stage.name();
    let against = match &plan.serves_now {
        Some(id) => format!(", against {id}"),
        None => String::new(),
    };
    let as_of = plan.draft.as_ref().map(|draft| draft.as_of);
    let as_of = as_of.map(|as_of| age::as_of(as_of, scene.look.now));
    let age = as_of.filter(|age| age != "now").map(|age| {
        let dot = scene.look.glyphs.dot;
        format!(" {dot} draft as of {age}")
    });
    let against = format!("{against}{}", age.unwrap_or_default());
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("Changes on {stage}"), theme.title),
        safe(&against, theme.dim),
    ])];
    let n_routes = plan
        .draft
        .as_ref()
        .map(|draft| draft.definition.routes.len());
    let n_routes = n_routes.map_or("routes not counted".to_owned(), |n| format!("{n} routes"));
    let plain = match (&plan.drift, &plan.request.stage) {
        (Drift::Changes(changes), _) => {
            for change in changes {
                let text = change::text(change, &scene.look.glyphs);
                push(
                    &mut lines,
                    &text,
                    change::style(change, scene.look),
                    columns,
                );
            }
            None
        }
        (Drift::NothingDeployed, StageChoice::New(_)) => Some((
            format!("a new stage that serves the draft: {n_routes}"),
            theme.added,
        )),
        (Drift::NothingDeployed, StageChoice::Existing(_)) => Some((
            format!("nothing is deployed there yet; the draft: {n_routes}"),
            theme.added,
        )),
        (Drift::UpToDate, _) => Some((
            "none: it serves exactly this draft already".to_owned(),
            theme.dim,
        )),
        (drift, _) => Some((drift.text(), theme.changed)),
    };
    if let Some((text, style)) = plain {
        push(&mut lines, &text, style, columns);
    }
    for warning in &plan.warnings {
        let text = format!("{} {warning}", scene.look.glyphs.warning);
        push(&mut lines, &text, theme.warn, columns);
    }
    lines
}

fn push(lines: &mut Vec<Line<'static>>, value: &str, style: Style, columns: usize) {
    for (idx, line) in text::wrap(value, columns.saturating_sub(4))
        .into_iter()
        .enumerate()
    {
        let indent = if idx == 0 { "  " } else { "    " };
        lines.push(Line::from(vec![
            Span::raw(indent),
            Span::styled(line, style),
        ]));
    }
}

pub(super) fn steps(plan: &DeployPlan, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    let names: Vec<&str> = plan.steps.iter().map(|step| step.label()).collect();
    let joined = names.join(&format!(" {} ", scene.look.glyphs.arrow));
    let mut lines = vec![Line::default()];
    for (idx, line) in text::wrap(&joined, columns.saturating_sub(7))
        .into_iter()
        .enumerate()
    {
        let head = if idx == 0 { "Steps" } else { "" };
        lines.push(Line::from(vec![
            Span::styled(head, theme.heading),
            Span::raw(" ".repeat(7 - head.len())),
            Span::styled(line, theme.text),
        ]));
    }
    lines
}
