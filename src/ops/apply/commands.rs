//! The AWS CLI commands that do what a plan does: the plan is carried out on a control plane that carries nothing out.

use std::collections::HashMap;

use super::{
    ApplyPlan,
    run::Run,
    steps::{Step, Write},
};
use crate::{
    aws::Control,
    model::{Failure, text::printable},
    ops::command::command,
};

/// The commands, in order, one a call. What does not exist yet has a word in place of its id: `<new route join>`.
///
/// # Errors
/// Fails when a call cannot be made from what the file says, which would end the plan there.
pub async fn commands(control: &Control, plan: &ApplyPlan) -> Result<Vec<String>, Failure> {
    let rehearsal = control.rehearsal();
    let mut run = Run::of(rehearsal.control(), plan);
    let mut news = HashMap::new();
    let mut commands = Vec::new();
    for step in &plan.steps {
        let title = || format!("Cannot apply \"{}\"", printable(&plan.name));
        // Nothing here waits for anything, and whoever wants it to end must get a turn.
        tokio::task::yield_now().await;
        Box::pin(run.take(step))
            .await
            .map_err(|error| error.failure(title()))?;
        for call in rehearsal.take() {
            let arguments = call.arguments.iter().map(|(option, value)| {
                let value = value.as_ref().map(|value| named(value, &news));
                (option.as_str(), value)
            });
            let arguments: Vec<_> = arguments.collect();
            let arguments = arguments
                .iter()
                .map(|(option, value)| (*option, value.as_deref()));
            let line = command(control.target(), &call.operation, arguments);
            commands.push(line);
            news.extend(word_for(step).map(|word| (call.new_id, word)));
        }
    }
    Ok(commands)
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

/// The value with the words for ids that do not exist yet: they stand alone or at the end of a path.
fn named(value: &str, news: &HashMap<String, String>) -> String {
    let (path, id) = match value.rfind('/') {
        Some(slash) => value.split_at(slash + 1),
        None => ("", value),
    };
    match news.get(id) {
        Some(word) => format!("{path}{word}"),
        None => value.to_owned(),
    }
}
