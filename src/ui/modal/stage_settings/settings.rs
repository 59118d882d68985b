//! The form of a stage's settings: filled in from the settings as they are, and read back as those to come.

use crate::{
    model::{
        file::{RouteSettingsFile, StageFile},
        limit::DESCRIPTION_CHARS,
    },
    ui::widget::form::{Field, Form, Note, Number},
};

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Description,
    AutoDeploy,
    Rate,
    Burst,
    Logging,
    DataTrace,
    Metrics,
}

const LOGGING: &[&str] = &["OFF", "ERROR", "INFO"];

/// The limits of a throttle. SOURCE: the service model: the burst is a 32 bit integer. GUESS: the same limit of the rate.
pub(super) const THROTTLE: Number = Number {
    unset: "account default",
    is_whole: false,
    most: i32::MAX as f64,
};

/// The settings of a stage as they were read, and the form that asks for others.
#[derive(Debug)]
pub(super) struct SettingsForm {
    /// The settings as they were read.
    pub(super) from: StageFile,
    /// The form.
    pub(super) form: Form<Setting>,
    /// The description as the form showed it first, on one line.
    described: String,
}

/// Makes the form, filled in with the settings as they are.
fn form(from: &StageFile) -> Form<Setting> {
    let settings = &from.default_route_settings;
    let description = from.description.as_deref().unwrap_or_default();
    let burst = settings.throttling_burst_limit.map(f64::from);
    let whole = Number {
        is_whole: true,
        ..THROTTLE
    };
    let level = settings.logging_level.as_deref().unwrap_or_default();
    let is_on = |flag: Option<bool>| flag.unwrap_or_default();
    let rate = settings.throttling_rate_limit;
    let traces = is_on(settings.data_trace_enabled);
    let metrics = is_on(settings.detailed_metrics_enabled);
    Form::new(vec![
        Field::text(Setting::Description, "Description", description, "none"),
        Field::switch(Setting::AutoDeploy, "Auto deploy", is_on(from.auto_deploy)),
        Field::number(Setting::Rate, "Rate, per second", rate, THROTTLE),
        Field::number(Setting::Burst, "Burst", burst, whole),
        Field::choice(Setting::Logging, "Execution log", level, LOGGING),
        Field::switch(Setting::DataTrace, "Data trace", traces),
        Field::switch(Setting::Metrics, "Detailed metrics", metrics),
    ])
}

impl SettingsForm {
    /// Asks for other settings than these.
    pub(super) fn new(from: StageFile) -> Self {
        let form = form(&from);
        Self {
            described: form.text(Setting::Description).to_owned(),
            from,
            form,
        }
    }

    /// Returns the settings that the form asks for; those that cannot be read stay as they are.
    pub(super) fn wanted(&self) -> StageFile {
        let (form, from) = (&self.form, &self.from);
        let mut to = from.clone();
        let description = form.text(Setting::Description);
        if description != self.described {
            to.description = Some(description.trim().to_owned()).filter(|text| !text.is_empty());
        }
        to.auto_deploy = switched(from.auto_deploy, form.is_on(Setting::AutoDeploy));
        let old = &from.default_route_settings;
        let new = &mut to.default_route_settings;
        if let Ok(rate) = form.number(Setting::Rate) {
            new.throttling_rate_limit = rate;
        }
        if let Ok(burst) = form.number(Setting::Burst) {
            new.throttling_burst_limit = burst.and_then(|burst| burst.to_string().parse().ok());
        }
        let level = form.text(Setting::Logging);
        if level != old.logging_level.as_deref().unwrap_or(LOGGING[0]) {
            new.logging_level = Some(level.to_owned());
        }
        new.data_trace_enabled = switched(old.data_trace_enabled, form.is_on(Setting::DataTrace));
        let metrics = form.is_on(Setting::Metrics);
        new.detailed_metrics_enabled = switched(old.detailed_metrics_enabled, metrics);
        to
    }

    /// Takes the settings as they were read anew: fields that nobody touched follow them, what was typed stays.
    pub(super) fn begin_from(&mut self, read: StageFile) {
        if read == self.from {
            return;
        }
        // A number that cannot be read is typed text, too.
        let are_read = [Setting::Rate, Setting::Burst].map(|it| self.form.number(it).is_ok());
        if are_read.contains(&false) {
            return;
        }
        let (wanted, focused) = (self.wanted(), self.form.focused());
        let before = std::mem::replace(self, Self::new(read)).from;
        let mut to = self.from.clone();
        keep(
            &before.description,
            &wanted.description,
            &mut to.description,
        );
        keep(
            &before.auto_deploy,
            &wanted.auto_deploy,
            &mut to.auto_deploy,
        );
        keep_route_settings(
            &before.default_route_settings,
            &wanted.default_route_settings,
            &mut to.default_route_settings,
        );
        self.form = form(&to);
        self.form.focus(focused);
    }

    /// Puts remarks beside the fields: what AWS refuses, and what a value brings about.
    pub(super) fn put_notes(&mut self) {
        let to = self.wanted();
        let old = &self.from.default_route_settings;
        let new = &to.default_route_settings;
        let is_unset = new.throttling_rate_limit.is_none() && old.throttling_rate_limit.is_some();
        let is_zero = new.throttling_rate_limit == Some(0.0);
        let rate = throttle_note(is_unset, is_zero);
        let is_unset = new.throttling_burst_limit.is_none() && old.throttling_burst_limit.is_some();
        let is_zero = new.throttling_burst_limit == Some(0);
        let burst = throttle_note(is_unset, is_zero);
        let deploys = to.auto_deploy == Some(true) && self.from.auto_deploy != Some(true);
        let deploys = deploys.then(|| Note::Warned("AWS deploys every change".to_owned()));
        let traces = new.data_trace_enabled == Some(true) && old.data_trace_enabled != Some(true);
        let traces = traces.then(|| Note::Warned("whole payloads in the log".to_owned()));
        let description = description_note(&self.from, &to);
        for (setting, note) in [
            (Setting::Description, description),
            (Setting::AutoDeploy, deploys),
            (Setting::Rate, rate),
            (Setting::Burst, burst),
            (Setting::DataTrace, traces),
        ] {
            self.form.note(setting, note);
        }
    }
}

fn keep_route_settings(
    before: &RouteSettingsFile,
    wanted: &RouteSettingsFile,
    to: &mut RouteSettingsFile,
) {
    keep(
        &before.throttling_rate_limit,
        &wanted.throttling_rate_limit,
        &mut to.throttling_rate_limit,
    );
    keep(
        &before.throttling_burst_limit,
        &wanted.throttling_burst_limit,
        &mut to.throttling_burst_limit,
    );
    keep(
        &before.logging_level,
        &wanted.logging_level,
        &mut to.logging_level,
    );
    keep(
        &before.data_trace_enabled,
        &wanted.data_trace_enabled,
        &mut to.data_trace_enabled,
    );
    keep(
        &before.detailed_metrics_enabled,
        &wanted.detailed_metrics_enabled,
        &mut to.detailed_metrics_enabled,
    );
}

/// Keeps a value that is wanted in place of the one there was before.
fn keep<T: Clone + PartialEq>(before: &T, wanted: &T, to: &mut T) {
    if wanted != before {
        to.clone_from(wanted);
    }
}

/// Returns the flag to send: one that was never set stays so for as long as it is off.
fn switched(from: Option<bool>, is_on: bool) -> Option<bool> {
    if from.unwrap_or_default() == is_on {
        from
    } else {
        Some(is_on)
    }
}

fn throttle_note(is_unset_again: bool, is_zero: bool) -> Option<Note> {
    if is_unset_again {
        return Some(Note::Refused("cannot be made unset again".to_owned()));
    }
    is_zero.then(|| Note::Warned("blocks all traffic".to_owned()))
}

fn description_note(from: &StageFile, to: &StageFile) -> Option<Note> {
    let n_chars = to
        .description
        .as_ref()
        .map_or(0, |text| text.chars().count());
    if n_chars > DESCRIPTION_CHARS {
        return Some(Note::Refused(format!(
            "at most {DESCRIPTION_CHARS} characters"
        )));
    }
    let is_emptied = from.description.is_some() && to.description.is_none();
    is_emptied.then(|| Note::Refused("cannot be emptied again".to_owned()))
}
