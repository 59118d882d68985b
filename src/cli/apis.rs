//! `stagewire apis`: the WebSocket APIs of the target.

use super::{
    aws_json,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
    table::table,
};
use crate::model::Api;

const COLUMNS: [&str; 5] = ["NAME", "ID", "ROUTE SELECTION", "CREATED", "ENDPOINT"];

pub(super) fn run(session: &Session, output: Output) -> Result<Exit, Stop> {
    let (apis, place) = start::ask(session, output, async |control| {
        let apis = control.apis().await;
        let apis = apis.map_err(|error| error.failure("Cannot list the APIs"))?;
        let place = format!("{} at {}", control.region(), control.endpoint());
        Ok((apis, place))
    })?;
    if output.json {
        let items: Vec<_> = apis.iter().map(aws_json::api).collect();
        output::json(&serde_json::json!({ "Items": items }))?;
        return Ok(Exit::Done);
    }
    if apis.is_empty() {
        output.progress(&format!("no WebSocket APIs in {place}"));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = apis.iter().map(row).collect();
    output::answer(&table(COLUMNS, &rows))?;
    Ok(Exit::Done)
}

fn row(api: &Api) -> [String; 5] {
    [
        api.name.clone(),
        api.id.to_string(),
        api.route_selection_expression.clone(),
        api.created_at.map(|at| at.to_string()).unwrap_or_default(),
        api.endpoint.clone(),
    ]
}
