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
        look::Look,
        text,
        view::Scene,
        widget::{age, change, fields::Fields, safe},
    },
};

/// Returns the lines of the changes that the deploy makes on the stage, and of the plan's warnings.
pub(super) fn changes(plan: &DeployPlan, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
    let look = scene.look;
    let mut fields = Fields::new(look, columns);
    if let Drift::Changes(changes) = &plan.drift {
        for change in changes {
            let text = change::text(change, &look.glyphs);
            fields.below(&text, change::style(change, look));
        }
    } else {
        let (text, style) = comparison(plan, look);
        fields.below(&text, style);
    }
    for warning in &plan.warnings {
        let text = format!("{} {warning}", look.glyphs.warning);
        fields.below(&text, look.theme.warn);
    }
    let mut lines = vec![head(plan, look)];
    lines.extend(fields.into_lines());
    lines
}

/// Returns the stage that changes, what it serves now, and the age of the draft that is compared.
fn head(plan: &DeployPlan, look: &Look) -> Line<'static> {
    let stage = plan.request.stage.name();
    let against = match &plan.serves_now {
        Some(id) => format!(", against {id}"),
        None => String::new(),
    };
    let as_of = plan.draft.as_ref().map(|draft| draft.as_of);
    let age = as_of.map(|as_of| age::as_of(as_of, look.now));
    let age = age.filter(|age| age != "now").map(|age| {
        let dot = look.glyphs.dot;
        format!(" {dot} draft as of {age}")
    });
    let against = format!("{against}{}", age.unwrap_or_default());
    Line::from(vec![
        Span::styled(format!("Changes on {stage}"), look.theme.title),
        safe(&against, look.theme.dim),
    ])
}

/// Returns the comparison in words, where there are no changes to list.
fn comparison(plan: &DeployPlan, look: &Look) -> (String, Style) {
    let theme = &look.theme;
    let draft = plan.draft.as_ref();
    let n_routes = draft.map(|draft| draft.definition.routes.len());
    let n_routes = n_routes.map_or("routes not counted".to_owned(), |n| format!("{n} routes"));
    match (&plan.drift, &plan.request.stage) {
        (Drift::NothingDeployed, StageChoice::New(_)) => (
            format!("a new stage that serves the draft: {n_routes}"),
            theme.added,
        ),
        (Drift::NothingDeployed, StageChoice::Existing(_)) => (
            format!("nothing is deployed there yet; the draft: {n_routes}"),
            theme.added,
        ),
        (Drift::UpToDate, _) => (
            "none: it serves exactly this draft already".to_owned(),
            theme.dim,
        ),
        (drift, _) => (drift.text(), theme.changed),
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
