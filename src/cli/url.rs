//! `stagewire url API STAGE`: where clients connect.

use super::{
    args::StageArgs,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    aws::Control,
    model::{Api, Failure, FailureKind, Stage, StageName},
    ops::detail,
};

pub(super) fn run(session: &Session, args: &StageArgs, output: Output) -> Result<Exit, Stop> {
    start::ask(session, output, async {
        let control = session.control().await?;
        let (api, _) = find_stage(&control, &args.api, &args.stage).await?;
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
    })
}

/// The API and its stage of that name.
pub(super) async fn find_stage(
    control: &Control,
    api: &str,
    stage: &StageName,
) -> Result<(Api, Stage), Failure> {
    let api = detail::find_api(control, api).await?;
    let stages = control
        .stages(&api.id)
        .await
        .map_err(|error| error.failure(format!("Cannot read the stages of \"{}\"", api.name)))?;
    if let Some(found) = stages.iter().find(|found| found.name == *stage) {
        return Ok((api, found.clone()));
    }
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
