//! Tests of forms: values, keys, the picture.

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::{Terminal, backend::TestBackend, layout::Rect};

use super::*;
use crate::ui::{
    glyphs::Glyphs,
    look::Look,
    theme::{ColourDepth, Theme},
    view::Painter,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Stage,
    Rate,
    Level,
    Trace,
}

const WHOLE: Number = Number {
    unset: "account default",
    is_whole: true,
    most: 100.0,
};

fn form() -> Form<Part> {
    let typed = TypedRow {
        title: "[New]",
        hint: "type its name",
        begins: char::is_alphabetic,
    };
    let mut form = Form::new(vec![
        Field::list(Part::Stage, "Stage", None, typed),
        Field::number(Part::Rate, "Rate", None, WHOLE),
        Field::choice(Part::Level, "Level", "INFO", &["OFF", "ERROR", "INFO"]),
        Field::switch(Part::Trace, "Trace", false),
    ]);
    let rows = ["dev", "test", "prod"].map(|name| ListRow {
        name: name.to_owned(),
        note: format!("serves {name}"),
        is_dangerous: name == "prod",
    });
    form.offer(Part::Stage, rows.into());
    form.choose(Part::Stage, "dev");
    form
}

fn press(form: &mut Form<Part>, key: KeyCode) -> FormChange {
    form.key(KeyEvent::from(key))
}

fn drawn(form: &Form<Part>, height: u16) -> Vec<String> {
    let look = Look {
        theme: Theme::new(ColourDepth::None),
        glyphs: Glyphs::ASCII,
        now: Timestamp::UNIX_EPOCH,
        production: Vec::new(),
    };
    let area = Rect::new(0, 0, 44, height);
    let mut terminal = Terminal::new(TestBackend::new(44, height)).unwrap();
    let draw = |frame: &mut ratatui::Frame<'_>| form.render(area, &mut Painter::new(&look, frame));
    terminal.draw(draw).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(area.width));
    rows.map(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect())
        .map(|row: String| row.trim_end().to_owned())
        .collect()
}

#[test]
fn unset_is_not_zero() {
    let mut form = form();
    form.focus(Part::Rate);
    assert_eq!(form.number(Part::Rate), Ok(None));
    assert_eq!(press(&mut form, KeyCode::Char('0')), FormChange::Value);
    assert_eq!(form.number(Part::Rate), Ok(Some(0.0)));
    press(&mut form, KeyCode::Backspace);
    assert_eq!(form.number(Part::Rate), Ok(None));
}

#[test]
fn a_number_says_what_it_takes() {
    let mut form = form();
    for (text, reason) in [
        ("x", "a whole number, or nothing"),
        ("-1", "a whole number, or nothing"),
        ("1e1", "a whole number, or nothing"),
        ("1.5", "a whole number, or nothing"),
        ("101", "at most 100"),
    ] {
        form.set_text(Part::Rate, text);
        assert_eq!(form.number(Part::Rate), Err(reason.to_owned()), "{text}");
        let refusal = form.refusal();
        assert_eq!(refusal, Some((Part::Rate, format!("Rate: {reason}"))));
    }
    form.set_text(Part::Rate, " 100 ");
    assert_eq!(form.refusal(), None);
}

#[test]
fn a_refusal_of_its_owner_is_one_too() {
    let mut form = form();
    form.note(Part::Trace, Some(Note::Warned("costs money".to_owned())));
    assert_eq!(form.refusal(), None);
    form.note(Part::Trace, Some(Note::Refused("not now".to_owned())));
    let refusal = form.refusal().map(|(_, reason)| reason);
    assert_eq!(refusal.as_deref(), Some("Trace: not now"));
}

#[test]
fn the_keys_between_fields_go_around_and_the_arrows_do_not() {
    let mut form = form();
    form.act(Action::PreviousField);
    assert_eq!(form.focused(), Part::Trace);
    form.act(Action::Down);
    assert_eq!(form.focused(), Part::Trace);
    form.act(Action::NextField);
    assert_eq!(form.focused(), Part::Stage);
    form.act(Action::NextField);
    form.act(Action::Up);
    assert_eq!(form.focused(), Part::Stage);
}

#[test]
fn words_are_chosen_and_switches_switched() {
    let mut form = form();
    form.focus(Part::Level);
    assert_eq!(form.act(Action::NextValue), FormChange::Value);
    assert_eq!(form.text(Part::Level), "OFF");
    form.act(Action::PreviousValue);
    assert_eq!(form.text(Part::Level), "INFO");
    assert_eq!(press(&mut form, KeyCode::Char('x')), FormChange::None);
    form.focus(Part::Trace);
    form.act(Action::NextValue);
    assert!(form.is_on(Part::Trace));
}

#[test]
fn a_character_in_a_list_begins_a_text_of_ones_own() {
    let mut form = form();
    form.act(Action::Down);
    assert_eq!(form.pick(Part::Stage), Pick::Row("test"));
    assert!(!form.takes_text());
    assert_eq!(press(&mut form, KeyCode::Char('1')), FormChange::None);
    press(&mut form, KeyCode::Char('b'));
    press(&mut form, KeyCode::Char('1'));
    assert_eq!(form.pick(Part::Stage), Pick::Typed("b1"));
    form.act(Action::Up);
    assert_eq!(form.pick(Part::Stage), Pick::Row("prod"));
    assert_eq!(form.text(Part::Stage), "b1");
    form.paste(" c ");
    assert_eq!(form.pick(Part::Stage), Pick::Typed("c"));
}

#[test]
fn the_focused_field_is_marked_without_a_colour() {
    let mut form = form();
    form.focus(Part::Level);
    assert_eq!(
        drawn(&form, 7),
        [
            "Stage  > dev       serves dev",
            "         test      serves test",
            "         prod      serves prod",
            "         [New]   type its name",
            "Rate     account default",
            "Level  >  OFF  ERROR [INFO]",
            "Trace    [off] on",
        ]
    );
}

#[test]
fn the_focused_field_is_in_view_where_there_is_no_room() {
    let mut form = form();
    form.set_text(Part::Rate, "x");
    form.focus(Part::Trace);
    let rows = drawn(&form, 2);
    assert!(rows[0].starts_with("Level"), "{rows:?}");
    assert!(rows[1].starts_with("Trace  > [off]"), "{rows:?}");
    form.focus(Part::Rate);
    let rows = drawn(&form, 2);
    assert!(rows[1].starts_with("Rate   > x   x a whole"), "{rows:?}");
}
