//! Changing a stage's settings, and the AWS CLI command that does the same.

use super::command;
use crate::{
    aws::{Control, Error},
    model::{
        Failure, FailureKind,
        diff::Detail,
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
    let is_ours = |other: &&Detail| changes.iter().any(|change| change.member == other.member);
    let is_wanted = |other: &Detail| {
        let mut changes = changes.iter();
        changes.any(|change| change.member == other.member && change.new == other.new)
    };
    let moved = others.iter().filter(is_ours).find(|it| !is_wanted(it));
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
    match send(control, update).await {
        Ok(()) => Ok(()),
        Err(error) if error.leaves_open() => look_behind(control, update, &error).await,
        Err(error) => Err(error.failure(title(update))),
    }
}

/// Tells by the stage as it is now whether a change was carried out whose outcome nobody saw.
async fn look_behind(control: &Control, update: &StageUpdate, lost: &Error) -> Result<(), Failure> {
    let failure = lost.failure(title(update));
    match control.stage(&update.api_id, &update.stage).await {
        Ok(stage) => {
            let others = stage_changes(&stage_file(&stage), &update.to);
            let is_ours = |other: &&Detail| {
                let mut changes = update.changes().into_iter();
                changes.any(|change| change.member == other.member)
            };
            let Some(other) = others.iter().find(is_ours) else {
                return Ok(());
            };
            let now = other.old.as_deref().unwrap_or("not set");
            Err(failure.cause(format!("{} is {now} now", other.member)))
        }
        Err(error) => Err(failure
            .cause(format!(
                "it is not known what the settings are now: {error}"
            ))
            .hint("look at the stage first")),
    }
}

async fn send(control: &Control, update: &StageUpdate) -> Result<(), Error> {
    let stage = update.api_id.part(&update.stage);
    control.update_stage(stage, &update.from, &update.to).await
}

fn title(update: &StageUpdate) -> String {
    format!("Cannot change the settings of stage \"{}\"", update.stage)
}
