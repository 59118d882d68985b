//! The AWS CLI commands that do what a plan does: the plan is carried out on a control plane that carries nothing out.

use super::{ApplyPlan, calls::Calls, steps::Step};
use crate::{
    aws::Control,
    model::{
        Failure,
        file::{PartStep, Write},
        text::printable,
    },
    ops::command::Commands,
};

/// The commands, in order, one a call. What does not exist yet has a word in place of its id: `<new route join>`.
///
/// # Errors
/// Fails when a call cannot be made from what the file says, which would end the plan there.
pub async fn commands(control: &Control, plan: &ApplyPlan) -> Result<Vec<String>, Failure> {
    let mut commands = Commands::of(control.rehearsal());
    let control = commands.control().clone();
    let mut calls = Calls::of(&control, plan);
    let mut lines = Vec::new();
    for step in &plan.steps {
        let title = || format!("Cannot apply \"{}\"", printable(&plan.name));
        // Nothing here waits for anything, and whoever wants it to end must get a turn.
        tokio::task::yield_now().await;
        Box::pin(calls.make(step))
            .await
            .map_err(|error| error.failure(title()))?;
        lines.extend(commands.take(word_for(step).as_deref()));
    }
    Ok(lines)
}

/// Returns the word that stands for the id of what the step creates, if any other step may need it.
fn word_for(step: &Step) -> Option<String> {
    let Step::Part(part) = step else {
        return (*step == Step::CreateApi).then(|| "<new API>".to_owned());
    };
    match part {
        PartStep::Authorizer(name, Write::Create) => Some(format!("<new authorizer {name}>")),
        PartStep::Integration(name, Write::Create) => Some(format!("<new integration {name}>")),
        PartStep::Route(key, Write::Create) => Some(format!("<new route {key}>")),
        _ => None,
    }
}
