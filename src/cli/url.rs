//! `stagewire url API STAGE`: where clients connect.

use super::{
    args::StageArgs,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    aws::{self, Control},
    model::{Api, Failure, FailureKind, Stage, StageName},
    ops::find,
};

pub(super) fn run(session: &Session, args: &StageArgs, output: Output) -> Result<Exit, Stop> {
    let api = start::ask(session, output, async |control| {
        let (api, _) = find_stage(&control, &args.api, &args.stage).await?;
        Ok(api)
    })?;
    let invoke_url = api.invoke_url(&args.stage);
    if output.json {
        output::json(&serde_json::json!({
            "InvokeUrl": invoke_url,
            "CallbackUrl": api.callback_url(&args.stage),
        }))?;
    } else {
        output::answer(&invoke_url)?;
    }
    Ok(Exit::Done)
}

/// The API and its stage of that name.
pub(super) async fn find_stage(
    control: &Control,
    api: &str,
    stage: &StageName,
) -> Result<(Api, Stage), Failure> {
    let api = find::find_api(control, api).await?;
    control.expect(1);
    let unread =
        |error: aws::Error| error.failure(format!("Cannot read the stages of \"{}\"", api.name));
    let stages = control.stages(&api.id).await.map_err(unread)?;
    if let Some(found) = stages.items.iter().find(|found| found.name == *stage) {
        return Ok((api.clone(), found.clone()));
    }
    let stages = stages.whole().map_err(unread)?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let cause = if names.is_empty() {
        "it has no stages".to_owned()
    } else {
        format!("it has {}", names.join(", "))
    };
    Err(Failure::new(
        FailureKind::User,
        format!("API \"{}\" has no stage \"{stage}\"", api.name),
    )
    .cause(cause)
    .hint(format!(
        "choose one of its stages, or create it: stagewire deploy {} --stage {stage} --create",
        api.id
    )))
}
