//! The note, one line between the fields and the changes: the effect of Enter, the obstacle to it, or the comparison
//! that it goes without.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::Line,
};

use super::{Comparison, DeployModal, StartMode, fields::Part};
use crate::{
    model::{
        ApiDetail,
        plan::{DeployPlan, DeployRequest, DraftCheck},
    },
    ui::{
        look::Look,
        text,
        view::{Painter, Scene},
        widget::{form::Pick, question::Question},
    },
};

/// Draws what Enter would do, loud. Enter answers only an open question that was drawn.
pub(super) fn render_question(
    question: Question,
    dialog: &DeployModal,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let Some(plan) = dialog.plan.data() else {
        return;
    };
    let look = scene.look;
    let is_open = question.is_open(look.now);
    let (note, style) = if dialog.is_for_production(scene) {
        (production_note(plan, is_open, look), look.theme.production)
    } else {
        (plan_note(plan, is_open, look), look.theme.warn)
    };
    let fitted = text::fit(&note, usize::from(area.width), look.glyphs.ellipsis);
    painter.draw(Line::styled(format!("{fitted} "), style), area);
    if is_open && !area.is_empty() {
        painter.placed.question = Some(question.ticket);
    }
}

fn production_note(plan: &DeployPlan, is_open: bool, look: &Look) -> String {
    let (stage, enter) = (plan.request.stage.name(), look.glyphs.enter);
    if is_open {
        format!(" {enter} once more deploys to PRODUCTION {stage}")
    } else {
        format!(" PRODUCTION {stage}: look at the changes first")
    }
}

fn plan_note(plan: &DeployPlan, is_open: bool, look: &Look) -> String {
    let (stage, enter) = (plan.request.stage.name(), look.glyphs.enter);
    let unproved = match plan.request.check {
        DraftCheck::BeforeStage => "",
        DraftCheck::AfterStage => ", unproved",
    };
    if is_open {
        format!("Look at the plan: {enter} once more deploys to {stage}{unproved}")
    } else {
        "Look at the plan first".to_owned()
    }
}

/// Draws one line about the obstacle to the deploy, or about what Enter will do.
pub(super) fn render_note(
    dialog: &DeployModal,
    detail: &ApiDetail,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let Some((note, style)) = note(dialog, detail, scene) else {
        return;
    };
    let indent = Constraint::Length(dialog.form.indent());
    let [_, place] = Layout::horizontal([indent, Constraint::Fill(1)]).areas(area);
    let fitted = text::fit(&note, usize::from(place.width), scene.look.glyphs.ellipsis);
    painter.draw(Line::styled(fitted, style), place);
}

fn note(dialog: &DeployModal, detail: &ApiDetail, scene: Scene<'_>) -> Option<(String, Style)> {
    let (theme, glyphs) = (&scene.look.theme, &scene.look.glyphs);
    if dialog.start_mode == StartMode::WithPlan {
        return Some((going_note(dialog), theme.busy));
    }
    if let Some(stage) = dialog.named(detail) {
        let enter = glyphs.enter;
        let note = format!("{stage} exists already: {enter} chooses it");
        return Some((note, theme.warn));
    }
    let is_unnamed = dialog.form.pick(Part::Stage) == Pick::Typed("");
    match dialog.wanted(&scene.data.library, scene.look) {
        Err(reason) if is_unnamed && !dialog.is_insisting => Some((reason, theme.dim)),
        Err(reason) => Some((format!("{} {reason}", glyphs.failed), theme.danger)),
        Ok(request) => {
            let note = waiting_note(dialog, &request, scene)?;
            Some((note, theme.warn))
        }
    }
}

/// Returns the note on a deploy that was ordered and waits for its plan.
fn going_note(dialog: &DeployModal) -> String {
    match dialog.comparison {
        Comparison::Awaited => "reads the draft, then deploys, unless the plan warns".to_owned(),
        Comparison::Quick | Comparison::Slow => "deploys as soon as the plan is there".to_owned(),
    }
}

/// Returns the note that Enter moves the stage without comparing the draft first, or takes its time to compare it.
fn waiting_note(dialog: &DeployModal, request: &DeployRequest, scene: Scene<'_>) -> Option<String> {
    let record = scene.data.library.records.get(&dialog.api);
    // A draft that is still being read is read once more behind the freeze.
    let is_reading = record.is_some_and(|record| record.draft.ticket().is_some());
    let times = if is_reading { 2.0 } else { 1.0 };
    let seconds = (scene.data.library.draft_time(&dialog.api).as_secs_f64() * times).ceil();
    let enter = scene.look.glyphs.enter;
    match request.check {
        DraftCheck::AfterStage if dialog.comparison == Comparison::Slow => Some(format!(
            "{enter} goes unproved; comparing first takes {seconds} s"
        )),
        DraftCheck::AfterStage => Some(format!(
            "{enter} goes unproved: the draft cannot be read in full"
        )),
        DraftCheck::BeforeStage if seconds > 2.0 => {
            Some(format!("compares the draft first: {seconds} s"))
        }
        DraftCheck::BeforeStage => None,
    }
}
