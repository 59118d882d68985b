//! Pulling: an API's definition, as it is now, as a file.

use super::{
    find,
    reading::{self, WholeDraft},
};
use crate::{
    aws::Control,
    model::{
        Failure, Route, Stage,
        file::{ApiFile, api_file, integration_names},
        text::printable,
    },
};

/// A definition that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The definition and the stages.
    pub file: ApiFile,
    /// Warnings of what the file cannot say.
    pub warnings: Vec<String>,
}

/// Reads the definition and the stages of the API of that id, or of the only one of that name.
///
/// # Errors
/// Fails when there is no such API or several, and when the control plane refuses or cannot be reached.
pub async fn pull(control: &Control, id_or_name: &str) -> Result<Pulled, Failure> {
    let api = find::find_api(control, id_or_name).await?;
    control.expect(1);
    let read = tokio::try_join!(
        Box::pin(reading::whole(control, &api.id)),
        control.stages(&api.id)
    );
    let read = read.and_then(|(draft, stages)| Ok((draft, stages.whole()?)));
    let (draft, stages) =
        read.map_err(|error| error.failure(format!("Cannot read the API \"{}\"", api.name)))?;
    let names = integration_names(&draft.routes, &draft.integrations);
    Ok(Pulled {
        file: api_file(draft.parts(), &stages, &names),
        warnings: warnings(&draft, &stages),
    })
}

fn warnings(draft: &WholeDraft, stages: &[Stage]) -> Vec<String> {
    let leads_nowhere = |route: &&Route| {
        let id = route.integration_id();
        !id.is_some_and(|id| draft.integrations.iter().any(|it| it.id == id))
    };
    let lost = draft.routes.iter().filter(leads_nowhere);
    let lost = lost.filter_map(|route| {
        let target = route.target.as_deref()?;
        let (key, target) = (printable(&route.key), printable(target));
        Some(format!(
            "route {key} targets {target}, which is no integration of this API; the file has it without one"
        ))
    });
    let is_route = |key: &str| draft.routes.iter().any(|route| route.key == key);
    let idle = stages.iter().flat_map(|stage| {
        let keys = stage.route_settings.keys();
        let idle = keys.filter(|key| !is_route(key) && !Route::is_predefined(key));
        idle.map(|key| {
            let key = printable(key);
            format!(
                "stage {} has settings for {key}, which is no route of this API any more; the file leaves them out",
                stage.name
            )
        })
    });
    lost.chain(idle).collect()
}
