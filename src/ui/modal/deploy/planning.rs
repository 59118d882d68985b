//! The deploy request and its plan: the dialog asks for a plan, forgets a plan that is no longer of use, and carries
//! out the plan that an earlier Enter ordered. This module draws nothing and takes no keys.

use super::{Comparison, DeployModal, StartMode, basis::Basis, fields::Part};
use crate::{
    model::{
        ApiDetail, ApiId, Failure, StageName, Ticket,
        limit::{DESCRIPTION_CHARS, STAGES_PER_API},
        plan::{DeployPlan, DeployRequest, DraftCheck, StageChoice},
    },
    ui::{
        Effect, Remote,
        effect::Job,
        library::{LONG, Library},
        look::Look,
        view::Context,
        widget::{form::Pick, scroll::Scroll},
    },
};

impl DeployModal {
    /// Takes the plan, if it is the one that is awaited.
    pub(super) fn planned(
        &mut self,
        ticket: Ticket,
        result: &Result<DeployPlan, Failure>,
        context: &mut Context<'_>,
    ) {
        if !self.plan.finish(ticket, result.clone()) {
            return;
        }
        self.scroll = Scroll::default();
        let start_mode = std::mem::replace(&mut self.start_mode, StartMode::OnEnter);
        let Remote::Ready(plan) = &self.plan else {
            return;
        };
        if start_mode != StartMode::WithPlan {
            return;
        }
        let stage = plan.request.stage.name();
        // That it goes unproved was not told yet when Enter was pressed.
        let is_unproved = plan.request.check == DraftCheck::AfterStage;
        let is_news = is_unproved || !plan.warnings.is_empty();
        if is_news || context.look.is_production(stage) {
            self.put_question(context);
        } else {
            self.start(context);
        }
    }

    /// Returns the deploy that is asked for, or the reason why it cannot be.
    pub(super) fn wanted(&self, library: &Library, look: &Look) -> Result<DeployRequest, String> {
        let detail = library.detail(&self.api);
        let detail = detail.filter(|detail| detail.stages.is_known());
        let detail = detail.ok_or("The stages are still being read")?;
        let stage = match (self.form.pick(Part::Stage), self.stage()) {
            (Pick::Typed(name), _) => StageChoice::New(new_stage(name, detail)?),
            (_, Some(name)) => StageChoice::Existing(name),
            (_, None) => return Err("Choose a stage".to_owned()),
        };
        let description = self.form.text(Part::Description).trim();
        if description.chars().count() > DESCRIPTION_CHARS {
            return Err(format!(
                "A description has at most {DESCRIPTION_CHARS} characters"
            ));
        }
        let is_awaited = self.comparison == Comparison::Awaited;
        let needs_proof = is_awaited || look.is_production(stage.name());
        Ok(DeployRequest {
            api_id: self.api.clone(),
            api_name: detail.api.name.clone(),
            check: check(&self.api, library, needs_proof),
            stage,
            description: (!description.is_empty()).then(|| description.to_owned()),
        })
    }

    /// True when the plan, or the one under way, is for what is asked and for what is known by now.
    pub(super) fn is_planned(&self, request: &DeployRequest) -> bool {
        let planned = self.planned_for.as_ref();
        planned.is_some_and(|basis| basis.request == *request)
    }

    /// Returns the comparison that the draft would get if Enter were pressed now.
    pub(super) fn comparison(&self, context: &Context<'_>) -> Comparison {
        let request = self.wanted(&context.data.library, context.look);
        let goes = request.is_ok_and(|request| request.check == DraftCheck::AfterStage);
        if goes && context.data.library.draft_time(&self.api) > LONG {
            Comparison::Slow
        } else {
            Comparison::Quick
        }
    }

    /// Deploys once the draft was compared, however long that takes.
    pub(super) fn wait(&mut self, context: &mut Context<'_>) {
        self.comparison = Comparison::Awaited;
        self.forget_plan(context);
        self.start_mode = StartMode::WithPlan;
        self.ask(context);
    }

    /// Drops the plan, which is no longer for what is asked, and stops asking for it.
    pub(super) fn forget_plan(&mut self, context: &mut Context<'_>) {
        if let Remote::Loading { ticket, .. } = self.plan {
            context.effects.push(Effect::Job(Job::Cancel(ticket)));
        }
        self.plan = Remote::Idle;
        self.planned_for = None;
        self.start_mode = StartMode::OnEnter;
        self.is_insisting = false;
        self.scroll = Scroll::default();
    }

    /// Reads the API and plans again.
    pub(super) fn refresh(&mut self, context: &mut Context<'_>) {
        context.load_api(&self.api);
        self.forget_plan(context);
        self.ask(context);
    }

    /// Asks for a plan of what is asked for now, if it is not there or under way.
    pub(super) fn ask(&mut self, context: &mut Context<'_>) {
        self.due = None;
        let Some(record) = context.data.library.records.get(&self.api) else {
            return;
        };
        let detail = &record.detail;
        let Ok(request) = self.wanted(&context.data.library, context.look) else {
            // What was waited for turned out to be impossible; the note says why.
            if detail.stages.is_known() {
                self.start_mode = StartMode::OnEnter;
            }
            return;
        };
        // What is compared must be there first. It comes by itself, or fails, which the plan then says.
        if request.check == DraftCheck::BeforeStage && record.draft.ticket().is_some() {
            return;
        }
        let basis = Basis::of(request, detail);
        if self.planned_for.as_ref() == Some(&basis) {
            return;
        }
        // A plan that is looked at under a question does not change under the eyes.
        if self.question().is_some() {
            return;
        }
        if let Remote::Loading { ticket, .. } = self.plan {
            context.effects.push(Effect::Job(Job::Cancel(ticket)));
        }
        let ticket = context.data.tickets.next_ticket();
        self.plan.start(ticket);
        let detail = Box::new(detail.clone());
        let effect = Effect::Job(Job::PlanDeploy(ticket, basis.request.clone(), detail));
        self.planned_for = Some(basis);
        context.effects.push(effect);
    }
}

/// Decides when the draft is compared. A comparison that takes long is left for afterwards, unless the proof is needed
/// first; a draft that cannot be read at all is no reason not to deploy.
fn check(api: &ApiId, library: &Library, needs_proof: bool) -> DraftCheck {
    let Some(record) = library.records.get(api) else {
        return DraftCheck::BeforeStage;
    };
    let is_unreadable = record.draft.ticket().is_none() && record.detail.draft_failure().is_some();
    let is_slow = library.draft_time(api) > LONG;
    if is_unreadable || is_slow && !needs_proof {
        DraftCheck::AfterStage
    } else {
        DraftCheck::BeforeStage
    }
}

/// Returns the name of a stage that shall be created, or the reason why it cannot be.
fn new_stage(typed: &str, detail: &ApiDetail) -> Result<StageName, String> {
    if typed.is_empty() {
        return Err("Type a name for the new stage".to_owned());
    }
    // The model's own words are longer than the narrowest dialog is wide.
    let name = StageName::parse(typed).map_err(|_| match typed.len() {
        129.. => "At most 128 characters".to_owned(),
        _ => "Only a-z A-Z 0-9 _ -, or $default".to_owned(),
    })?;
    if detail.stage(&name).is_some() {
        return Err(format!("{name} exists already"));
    }
    if detail.stages.len() >= STAGES_PER_API {
        return Err(format!(
            "The API has {STAGES_PER_API} of {STAGES_PER_API} stages"
        ));
    }
    Ok(name)
}
