//! `stagewire stages API`: the stages, what they serve, and how the draft differs from it.

use super::{
    args::ApiArgs,
    aws_json,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
    table::table,
};
use crate::{
    model::{ApiDetail, Drift, Stage, limit::STAGES_PER_API},
    ops::{Journal, detail},
};

pub(super) fn run(session: &Session, args: &ApiArgs, output: Output) -> Result<Exit, Stop> {
    start::ask(session, output, async {
        let control = session.control().await?;
        let journal = Journal::new(session.paths.journal());
        let api = detail::find_api(&control, &args.api).await?;
        let detail = detail::read_api(&control, &journal, &api.id).await?;
        if output.json {
            let items: Vec<_> = detail
                .stages
                .iter()
                .map(|stage| json(&detail, stage))
                .collect();
            output::json(&serde_json::json!({ "Items": items }))?;
            return Ok(Exit::Done);
        }
        if detail.stages.is_empty() {
            output.progress(&format!(
                "\"{}\" has no stages; deploy it: stagewire deploy {} --stage NAME --create",
                api.name, api.id
            ));
            return Ok(Exit::Done);
        }
        let rows: Vec<_> = detail
            .stages
            .iter()
            .map(|stage| row(&detail, stage))
            .collect();
        output::answer(&table(
            ["STAGE", "SERVES", "UPDATED", "DRAFT", "URL"],
            &rows,
        ))?;
        output.progress(&format!("stages {}/{STAGES_PER_API}", detail.stages.len()));
        Ok(Exit::Done)
    })
}

fn drift(detail: &ApiDetail, stage: &Stage) -> String {
    detail
        .drift
        .get(&stage.name)
        .unwrap_or(&Drift::Unknown)
        .text()
}

fn row(detail: &ApiDetail, stage: &Stage) -> [String; 5] {
    [
        stage.name.to_string(),
        stage
            .deployment_id
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), ToString::to_string),
        stage
            .updated_at
            .map(|at| at.to_string())
            .unwrap_or_default(),
        drift(detail, stage),
        detail.api.invoke_url(&stage.name),
    ]
}

/// The stage as AWS prints it, and what AWS cannot say.
fn json(detail: &ApiDetail, stage: &Stage) -> serde_json::Value {
    let mut json = aws_json::stage(stage);
    if let Some(members) = json.as_object_mut() {
        members.insert(
            "InvokeUrl".into(),
            detail.api.invoke_url(&stage.name).into(),
        );
        members.insert("Drift".into(), drift(detail, stage).into());
    }
    json
}
