//! The form of the dialog: the stage, whose list takes the name of a new one, and the description.

use crate::{
    model::{ApiDetail, Stage, StageName},
    ui::{
        Action,
        keys::{self, Scope},
        look::Look,
        widget::{
            age,
            form::{Field, Form, ListRow, TypedRow},
        },
    },
};

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
        begins: |character| {
            character == '$' || StageName::parse(character.encode_utf8(&mut [0; 4])).is_ok()
        },
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
pub(super) fn rows(detail: &ApiDetail, look: &Look) -> Vec<ListRow> {
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
