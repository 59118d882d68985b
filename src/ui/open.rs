//! The builder of views: a route becomes the screen or modal that it names, and nothing else builds one.

use super::{
    modal::{
        actions::ActionsModal, confirm::ConfirmModal, deploy::DeployModal, failure::FailureModal,
        help::HelpModal, log::LogModal, palette::PaletteModal, region::RegionModal,
        sessions::SessionsModal, stage_settings::StageSettingsModal,
    },
    route::Route,
    screen::{api::ApiScreen, apis::ApisScreen, live::LiveScreen, targets::TargetsScreen},
    view::{Context, View},
};

/// Builds the view of a route, with all that it begins: a dialog its plan, a stage to watch its session. None when its API
/// or its session is not known.
pub(super) fn open(route: Route, context: &mut Context<'_>) -> Option<Box<dyn View>> {
    Some(match route {
        Route::Targets(failure) => Box::new(TargetsScreen::new(failure)),
        Route::Apis => Box::new(ApisScreen::default()),
        Route::Api(api) => Box::new(ApiScreen::new(api)),
        Route::Watch(api, stage) => {
            let session = context.watch(&api, &stage)?;
            Box::new(LiveScreen::open(session, context)?)
        }
        Route::Live(session) => Box::new(LiveScreen::open_frames(session, context)?),
        Route::Sessions(shown) => Box::new(SessionsModal::new(shown)),
        Route::Region(target) => Box::new(RegionModal::new(target)),
        Route::Actions(api, stage) => Box::new(ActionsModal::new(api, stage)),
        Route::Deploy(api, stage) => Box::new(DeployModal::open(api, stage, context)),
        Route::StageSettings(api, stage) => {
            Box::new(StageSettingsModal::open(api, stage, context)?)
        }
        Route::Confirm(confirmation) => Box::new(ConfirmModal::new(*confirmation)),
        Route::Failure(failure) => Box::new(FailureModal::new(failure)),
        Route::Help(scope) => Box::new(HelpModal::new(scope)),
        Route::Palette(scope) => Box::new(PaletteModal::new(scope)),
        Route::Log => Box::new(LogModal::default()),
    })
}
