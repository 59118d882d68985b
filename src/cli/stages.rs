//! `stagewire stages API`: the stages, what they serve, and how the draft differs from it.

use serde_json::{Value, json};

use super::{
    args::ApiArgs,
    aws_json,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
    table::table,
};
use crate::{
    model::{ApiDetail, Drift, Failure, Stage, limit::STAGES_PER_API},
    ops::{
        Journal, find,
        reading::{self, Unfinished},
    },
};

const COLUMNS: [&str; 5] = ["STAGE", "SERVES", "UPDATED", "DRAFT", "URL"];

pub(super) fn run(session: &Session, args: &ApiArgs, output: Output) -> Result<Exit, Stop> {
    let detail = start::ask(session, output, async |control| {
        let journal = Journal::new(session.paths.journal());
        let api = find::find_api(&control, &args.api).await?;
        Ok(reading::all(&control, &journal, api, &Unfinished::default()).await)
    })?;
    if let (Some(failure), false) = (&detail.stages.failure, detail.stages.is_known()) {
        return Err(failure.clone().into());
    }
    detail.failures().for_each(output::warn_of);
    if output.json {
        output::json(&all(&detail))?;
        return Ok(Exit::Done);
    }
    if detail.stages.is_empty() && detail.stages.is_whole() {
        output.progress(&format!(
            "\"{}\" has no stages; deploy it: stagewire deploy {} --stage NAME --create",
            detail.api.name, detail.api.id
        ));
        return Ok(Exit::Done);
    }
    let rows = detail.stages.iter().map(|stage| row(&detail, stage));
    let rows: Vec<_> = rows.collect();
    output::answer(&table(COLUMNS, &rows))?;
    output.progress(&format!("stages {}/{STAGES_PER_API}", detail.stages.len()));
    Ok(Exit::Done)
}

/// The stages and what could not be read, as JSON.
fn all(detail: &ApiDetail) -> Value {
    let items = detail.stages.iter().map(|stage| item(detail, stage));
    let items: Vec<_> = items.collect();
    let failures: Vec<_> = detail.failures().map(failure).collect();
    json!({ "Items": items, "Failures": failures })
}

fn drift(detail: &ApiDetail, stage: &Stage) -> String {
    let drift = detail.drift.get(&stage.name);
    drift.unwrap_or(&Drift::Unknown).text()
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
fn item(detail: &ApiDetail, stage: &Stage) -> Value {
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

/// Returns what could not be read, and why.
fn failure(failure: &Failure) -> Value {
    json!({ "Title": failure.title, "Causes": failure.causes })
}
