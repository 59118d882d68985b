//! The form of the dialog: the stage, whose list takes the name of a new one, and the description.

use jiff::SignedDuration;

use super::DeployModal;
use crate::{
    model::{ApiDetail, Stage, StageName},
    ui::{
        Action,
        keys::{self, Scope},
        look::Look,
        view::Context,
        widget::{
            age,
            form::{Field, Form, FormChange, ListRow, Pick, TypedRow},
        },
    },
};

/// The time that the stage selection must stand still before a plan is asked for.
const AFTER_MOVE: SignedDuration = SignedDuration::from_millis(150);

/// A field of the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Stage,
    Description,
}

/// Makes the form, with a stage that is chosen already.
pub(super) fn form(stage: Option<StageName>, description: &str) -> Form<Part> {
    let typed = TypedRow {
        title: "[New stage]",
        hint: "type its name",
        begins: |character| StageName::parse(character.encode_utf8(&mut [0; 4])).is_ok(),
    };
    let tab = keys::named(Scope::Deploy, Action::NextField);
    let none = format!("none; {tab} writes one");
    let stage = stage.map(|stage| stage.to_string());
    Form::new(vec![
        Field::list(Part::Stage, "Stage", stage, typed),
        Field::text(Part::Description, "Description", description, none),
    ])
}

/// Returns the rows of the stage list: production stages come after the others, since the first row is selected at
/// first.
fn rows(detail: &ApiDetail, look: &Look) -> Vec<ListRow> {
    let mut stages: Vec<&Stage> = detail.stages.iter().collect();
    stages.sort_by_key(|stage| look.is_production(&stage.name));
    let rows = stages.into_iter().map(|stage| ListRow {
        name: stage.name.to_string(),
        note: note(stage, detail, look),
        is_dangerous: look.is_production(&stage.name),
    });
    rows.collect()
}

fn note(stage: &Stage, detail: &ApiDetail, look: &Look) -> String {
    let serves = match &stage.deployment_id {
        None => "serves nothing yet".to_owned(),
        Some(id) => match detail.deployment(id).and_then(|it| it.created_at) {
            Some(made) => format!("serves {id}, deployed {}", age::ago(made, look.now)),
            None => format!("serves {id}"),
        },
    };
    if look.is_production(&stage.name) {
        format!("production {} {serves}", look.glyphs.dot)
    } else {
        serves
    }
}

impl DeployModal {
    /// Takes the stages as they are now. Before somebody chooses, a stage that is not a production stage is chosen, if
    /// there is one.
    pub(super) fn follow_stages(&mut self, context: &Context<'_>) {
        let Some(detail) = context.data.library.detail(&self.api) else {
            return;
        };
        let rows = rows(detail, context.look);
        if self.form.pick(Part::Stage) == Pick::Nothing {
            match rows.first() {
                Some(first) => self.form.choose(Part::Stage, &first.name),
                None => self.form.set_text(Part::Stage, ""),
            }
        }
        self.form.offer(Part::Stage, rows);
    }

    /// Moves the selection or the focus; another stage needs another plan.
    pub(super) fn move_in_form(&mut self, action: Action, context: &mut Context<'_>) {
        if self.form.act(action) == FormChange::Value {
            self.forget_plan(context);
            self.due = context.look.now.saturating_add(AFTER_MOVE).ok();
        }
    }

    /// Chooses the stage whose name was typed, and asks for its plan at once.
    pub(super) fn choose_stage(&mut self, stage: &StageName, context: &mut Context<'_>) {
        self.form.choose(Part::Stage, stage.as_str());
        self.form.focus(Part::Stage);
        self.forget_plan(context);
        self.ask(context);
    }

    /// Returns the stage that is chosen or typed; none while there is no such name.
    pub(super) fn stage(&self) -> Option<StageName> {
        match self.form.pick(Part::Stage) {
            Pick::Nothing => None,
            Pick::Row(name) | Pick::Typed(name) => StageName::parse(name).ok(),
        }
    }

    /// True while the name of a new stage is typed.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.form.pick(Part::Stage), Pick::Typed(_))
    }

    /// Returns the stage that exists and whose name was typed as that of a new one.
    pub(super) fn named(&self, detail: &ApiDetail) -> Option<StageName> {
        let Pick::Typed(name) = self.form.pick(Part::Stage) else {
            return None;
        };
        let name = StageName::parse(name).ok()?;
        detail.stage(&name).map(|stage| stage.name.clone())
    }
}
