//! The things that one can do to an API and its stages, wherever one stands: deploy, watch, undo.

use crate::{
    model::{ApiDetail, ApiId, StageName, plan::Repoint},
    ui::{
        Action,
        keys::{self, Scope},
        notice::Tone,
        route::{Confirmation, Nav, Order, Route},
        view::{Context, Scene},
    },
};

/// Opens the deploy dialog; the one of the deploy that runs, if one does.
pub fn deploy(api: &ApiId, stage: Option<StageName>) -> Nav {
    Nav::To(Route::Deploy(api.clone(), stage))
}

/// Shows a stage live.
pub fn live(api: &ApiId, stage: &StageName, context: &mut Context<'_>) -> Nav {
    if context.data.library.api(api).is_none() {
        context.say(Tone::Warning, "The API is still being read");
        return Nav::Stay;
    }
    Nav::To(Route::Watch(api.clone(), stage.clone()))
}

/// Shows the stage that was deployed last live, or the only one; else lets one choose.
pub fn live_of_api(api: &ApiId, context: &mut Context<'_>) -> Nav {
    let last = context.data.deploys.last.as_ref();
    let last = last.filter(|(id, _)| id == api).map(|(_, stage)| stage);
    let detail = context.data.library.detail(api);
    let only = match detail.map(|detail| detail.stages.as_slice()) {
        Some([stage]) => Some(&stage.name),
        _ => None,
    };
    if let Some(stage) = last.or(only).cloned() {
        return live(api, &stage, context);
    }
    let live = keys::named(Scope::Subject, Action::Live);
    context.say(Tone::Info, format!("Choose a stage, then {live}"));
    Nav::To(Route::Api(api.clone()))
}

/// Takes the last deploy back, after a question when it is a production stage.
pub fn undo(context: &mut Context<'_>) -> Nav {
    let Some(repoint) = context.data.deploys.undo.clone() else {
        return Nav::Stay;
    };
    if context.look.is_production(&repoint.stage) {
        return Nav::To(Route::Confirm(Box::new(undo_question(repoint))));
    }
    context.repoint(repoint);
    Nav::Stay
}

fn undo_question(repoint: Repoint) -> Confirmation {
    let from = match &repoint.from {
        Some(from) => format!(", not {from}"),
        None => String::new(),
    };
    Confirmation {
        title: "Undo the deploy of a production stage?".to_owned(),
        lines: vec![
            format!("{} will serve {} again{from}.", repoint.stage, repoint.to),
            "Clients that are connected stay connected. Deploying again takes it forward."
                .to_owned(),
            String::new(),
            repoint.command.clone(),
        ],
        yes: format!("point {} at {}", repoint.stage, repoint.to),
        order: Order::Repoint(repoint),
    }
}

/// Returns the reason why there is nothing to undo; none when there is something.
pub fn undo_refusal(scene: Scene<'_>) -> Option<String> {
    match scene.data.deploys.undo {
        Some(_) => None,
        None if scene.data.deploys.last.is_some() => {
            Some("Nothing to undo: the last deploy is taken back, or made its stage".to_owned())
        }
        None => Some("Nothing to undo: nothing was deployed since the start".to_owned()),
    }
}

/// Returns the reason why an API cannot be deployed; none when it can.
pub fn deploy_refusal(detail: Option<&ApiDetail>) -> Option<String> {
    let is_empty = detail.is_some_and(|it| it.routes.is_whole() && it.routes.is_empty());
    is_empty.then(|| {
        "Deploy: the API has no routes, and API Gateway refuses to deploy an API without any"
            .to_owned()
    })
}

/// Returns the reason why a stage cannot be watched; none when it can, as far as is known.
pub fn live_refusal(detail: Option<&ApiDetail>, stage: Option<&StageName>) -> Option<String> {
    let detail = detail?;
    let deploy = keys::named(Scope::Subject, Action::Deploy);
    if detail.stages.is_whole() && detail.stages.is_empty() {
        return Some(format!(
            "Live: the API has no stage yet; {deploy} deploys to a new one"
        ));
    }
    let stage = detail.stage(stage?)?;
    let serves_nothing = stage.deployment_id.is_none() && !stage.auto_deploy;
    serves_nothing.then(|| {
        format!(
            "Live: {} serves nothing yet; {deploy} deploys to it",
            stage.name
        )
    })
}
