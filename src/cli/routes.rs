//! `stagewire routes API`: the draft's routes and where they lead.

use super::{
    args::ApiArgs,
    aws_json,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
    table::table,
};
use crate::{
    aws::Control,
    model::{Api, Failure, Integration, Route},
    ops::{find, reading},
};

const COLUMNS: [&str; 5] = ["ROUTE", "WAYS", "AUTHORIZATION", "INTEGRATION", "TIMEOUT"];

pub(super) fn run(session: &Session, args: &ApiArgs, output: Output) -> Result<Exit, Stop> {
    let Listed {
        api,
        routes,
        integrations,
    } = start::ask(session, output, async |control| {
        list(&control, &args.api).await
    })?;
    if output.json {
        let items: Vec<_> = routes.iter().map(aws_json::route).collect();
        output::json(&serde_json::json!({ "Items": items }))?;
        return Ok(Exit::Done);
    }
    if routes.is_empty() {
        output.progress(&format!("\"{}\" has no routes", api.name));
        return Ok(Exit::Done);
    }
    let rows = routes.iter().map(|route| row(route, &integrations));
    let rows: Vec<_> = rows.collect();
    output::answer(&table(COLUMNS, &rows))?;
    Ok(Exit::Done)
}

/// The routes of an API, and what they lead to.
struct Listed {
    api: Api,
    routes: Vec<Route>,
    integrations: Vec<Integration>,
}

async fn list(control: &Control, id_or_name: &str) -> Result<Listed, Failure> {
    let api = find::find_api(control, id_or_name).await?;
    control.expect(2);
    let read = tokio::try_join!(
        reading::routes(control, &api.id),
        control.integrations(&api.id)
    );
    let read = read.and_then(|(routes, integrations)| Ok((routes.whole()?, integrations.whole()?)));
    let title = || format!("Cannot list the routes of \"{}\"", api.name);
    let (routes, integrations) = read.map_err(|error| error.failure(title()))?;
    Ok(Listed {
        api,
        routes,
        integrations,
    })
}

fn row(route: &Route, integrations: &[Integration]) -> [String; 5] {
    let integration = route
        .integration_id()
        .and_then(|id| integrations.iter().find(|integration| integration.id == id));
    let ways = if route.is_two_way() { "two" } else { "one" };
    let authorization = match (route.authorization_type.as_str(), route.api_key_required) {
        (kind, false) => kind.to_owned(),
        (kind, true) => format!("{kind} + API key"),
    };
    [
        route.key.clone(),
        ways.to_owned(),
        authorization,
        integration.map_or_else(|| "none".to_owned(), integration_text),
        integration
            .and_then(|integration| integration.timeout_ms)
            .map(|ms| format!("{ms} ms"))
            .unwrap_or_default(),
    ]
}

fn integration_text(integration: &Integration) -> String {
    let parts = [
        Some(integration.integration_type.as_str()),
        integration.method.as_deref(),
        integration.uri.as_deref(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
