//! Changing a stage's settings, and the AWS CLI command that does the same.

use super::command;
use crate::{
    aws::{Control, Error},
    model::{
        Failure, FailureKind,
        file::{stage_changes, stage_file},
        stage_update::StageUpdate,
    },
};

/// Returns the AWS CLI commands that change the settings so, one a call.
pub fn commands(control: &Control, update: &StageUpdate) -> Vec<String> {
    // It creates nothing for which a word would have to stand.
    command::commands(control.target(), "", async |control| {
        send(control, update).await
    })
}

/// Changes the settings, if they are still what they were when somebody decided.
///
/// # Errors
/// Fails when somebody else changed one of them meanwhile, and when the control plane refuses or cannot be reached.
pub async fn update(control: &Control, update: &StageUpdate) -> Result<(), Failure> {
    let stage = control.stage(&update.api_id, &update.stage).await;
    let stage = stage.map_err(|error| error.failure(title(update)))?;
    let changes = update.changes();
    // Settings that nobody wants to change may be any.
    let others = stage_changes(&update.from, &stage_file(&stage));
    let moved = others
        .iter()
        .find(|other| changes.iter().any(|change| change.member == other.member));
    if let Some(moved) = moved {
        let now = moved.new.as_deref().unwrap_or("not set");
        let before = moved.old.as_deref().unwrap_or("not set");
        return Err(Failure::new(FailureKind::User, title(update))
            .cause(format!(
                "somebody else changed {}: it is {now} now, not {before}",
                moved.member
            ))
            .hint("look at the stage again, then decide"));
    }
    let sent = send(control, update).await;
    sent.map_err(|error| error.failure(title(update)))
}

async fn send(control: &Control, update: &StageUpdate) -> Result<(), Error> {
    let stage = update.api_id.part(&update.stage);
    control.update_stage(stage, &update.from, &update.to).await
}

fn title(update: &StageUpdate) -> String {
    format!("Cannot change the settings of stage \"{}\"", update.stage)
}
