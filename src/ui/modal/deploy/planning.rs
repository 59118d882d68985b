//! What the dialog asks for, and the plan of it: when one is asked for, when it is no longer of use, when it is carried
//! out by itself. Draws nothing and takes no keys.

use super::{DeployModal, Haste, stages::Choice};
use crate::{
    model::{
        ApiDetail, Failure, StageName, Ticket,
        limit::{DESCRIPTION_CHARS, STAGES_PER_API},
        plan::{DeployPlan, DeployRequest, StageChoice},
    },
    ui::{Effect, Remote, screen::Context, state::is_production, widget::scroll::Scroll},
};

impl DeployModal {
    /// Takes the plan, if it is the one that is waited for.
    pub fn planned(
        &mut self,
        ticket: Ticket,
        result: Result<DeployPlan, Failure>,
        context: &mut Context<'_>,
    ) {
        if !self.plan.finish(ticket, result) {
            return;
        }
        self.scroll = Scroll::default();
        let haste = std::mem::replace(&mut self.haste, Haste::None);
        let Remote::Ready(plan) = &self.plan else {
            return;
        };
        if haste != Haste::Going {
            return;
        }
        let stage = plan.request.stage.name();
        if !plan.warnings.is_empty() || is_production(stage, context.production) {
            self.put_question(context);
        } else {
            self.deploy(context);
        }
    }

    /// What is asked for, or why that cannot be.
    pub(super) fn wanted(&self, detail: Option<&ApiDetail>) -> Result<DeployRequest, String> {
        let detail = detail.ok_or("The stages are still being read")?;
        let stage = match &self.choice {
            None => return Err("Choose a stage".to_owned()),
            Some(Choice::Stage(name)) => StageChoice::Existing(name.clone()),
            Some(Choice::New) => StageChoice::New(new_stage(self.name.text(), detail)?),
        };
        let description = self.description.text().trim();
        if description.chars().count() > DESCRIPTION_CHARS {
            return Err(format!(
                "A description has at most {DESCRIPTION_CHARS} characters"
            ));
        }
        Ok(DeployRequest {
            api_id: self.api.clone(),
            api_name: detail.api.name.clone(),
            stage,
            description: (!description.is_empty()).then(|| description.to_owned()),
        })
    }

    /// The plan is no longer for what is asked; stops asking for it.
    pub(super) fn forget_plan(&mut self, context: &mut Context<'_>) {
        if let Remote::Loading { ticket, .. } = self.plan {
            context.effects.push(Effect::Cancel(ticket));
        }
        self.plan = Remote::Idle;
        self.planned_for = None;
        self.haste = Haste::None;
        self.is_insisting = false;
        self.scroll = Scroll::default();
    }

    /// Plans again, and reads the stages again when that is what failed.
    pub(super) fn refresh(&mut self, context: &mut Context<'_>) {
        if context.library.detail_failure(&self.api).is_some() {
            context.load_api(&self.api);
        }
        self.forget_plan(context);
        self.ask(context);
    }

    /// Asks for a plan of what is asked for now, if it is not there or under way.
    pub(super) fn ask(&mut self, context: &mut Context<'_>) {
        self.due = None;
        let detail = context.library.detail(&self.api);
        let Ok(request) = self.wanted(detail) else {
            // What was waited for turned out to be impossible; the note says why.
            if detail.is_some() {
                self.haste = Haste::None;
            }
            return;
        };
        if self.planned_for.as_ref() == Some(&request)
            && !matches!(self.plan, Remote::Failed { .. })
        {
            return;
        }
        if let Remote::Loading { ticket, .. } = self.plan {
            context.effects.push(Effect::Cancel(ticket));
        }
        let ticket = context.tickets.next_ticket();
        self.plan.start(ticket);
        self.planned_for = Some(request.clone());
        context.effects.push(Effect::PlanDeploy(ticket, request));
    }
}

/// The name of a stage that shall be created, or why it cannot be.
fn new_stage(typed: &str, detail: &ApiDetail) -> Result<StageName, String> {
    if typed.is_empty() {
        return Err("Type a name for the new stage".to_owned());
    }
    // The model's own words are longer than the narrowest dialog is wide.
    let name =
        StageName::parse(typed).map_err(|_| "Only a-z A-Z 0-9 _ -, at most 128".to_owned())?;
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
