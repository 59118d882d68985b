//! The AWS CLI commands that do what a plan does: the plan is carried out on a control plane that carries nothing out.

use super::{
    ApplyPlan,
    run::Run,
    steps::{Step, Write},
};
use crate::{
    aws::Control,
    model::{Failure, text::printable},
    ops::command::Commands,
};

/// The commands, in order, one a call. What does not exist yet has a word in place of its id: `<new route join>`.
///
/// # Errors
/// Fails when a call cannot be made from what the file says, which would end the plan there.
pub async fn commands(control: &Control, plan: &ApplyPlan) -> Result<Vec<String>, Failure> {
    let mut commands = Commands::of(control.rehearsal());
    let control = commands.control().clone();
    let mut run = Run::of(&control, plan);
    let mut lines = Vec::new();
    for step in &plan.steps {
        let title = || format!("Cannot apply \"{}\"", printable(&plan.name));
        // Nothing here waits for anything, and whoever wants it to end must get a turn.
        tokio::task::yield_now().await;
        Box::pin(run.take(step))
            .await
            .map_err(|error| error.failure(title()))?;
        lines.extend(commands.take(word_for(step).as_deref()));
    }
    Ok(lines)
}

/// Returns the word that stands for the id of what the step creates, if any other step may need it.
fn word_for(step: &Step) -> Option<String> {
    match step {
        Step::CreateApi => Some("<new API>".to_owned()),
        Step::Authorizer(name, Write::Create) => Some(format!("<new authorizer {name}>")),
        Step::Integration(name, Write::Create) => Some(format!("<new integration {name}>")),
        Step::Route(key, Write::Create) => Some(format!("<new route {key}>")),
        _ => None,
    }
}
