//! Text from elsewhere never reaches the terminal raw.

use proptest::prelude::*;
use stagewire::model::{Failure, FailureKind, StageName};

use crate::{
    chat::{api, at_apis, chat, local},
    harness::{Harness, picture},
};

const HOSTILE: &str = "\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}evil\u{200b}\r\n\u{8}";

#[track_caller]
fn check(h: &Harness) {
    for size in [(60, 20), (120, 30)] {
        let (buffer, _) = picture(&h.state, size);
        for cell in &buffer.content {
            let bad = |c: char| {
                c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            };
            assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
        }
    }
}

fn hostile() -> stagewire::model::ApiDetail {
    let mut detail = chat();
    detail.api = api("k3v9x2a1bc", HOSTILE);
    detail.api.route_selection_expression = HOSTILE.to_owned();
    detail.deployments[0].description = Some(HOSTILE.to_owned());
    detail.stages[1].description = Some(HOSTILE.to_owned());
    detail.stages[1]
        .variables
        .insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    detail.routes[1].key = HOSTILE.to_owned();
    detail.integrations[1].uri = Some(HOSTILE.to_owned());
    detail
}

#[test]
fn no_screen_draws_a_control_character() {
    for keys in [
        "down",
        "down enter",
        "down enter down",
        "down enter tab down",
        "down d",
        "down a",
        "down enter l",
        "/ x",
        "d tab",
    ] {
        let mut h = Harness::new(Some(local()));
        let detail = hostile();
        h.connected()
            .apis(Ok(vec![detail.api.clone(), detail.api.clone()]))
            .api(detail)
            .keys(keys);
        check(&h);
        h.pastes(HOSTILE);
        check(&h);
    }
}

#[test]
fn no_failure_draws_a_control_character() {
    let failure = Failure::new(FailureKind::Remote, HOSTILE)
        .cause(HOSTILE)
        .hint(HOSTILE);
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Err(failure.clone()));
    check(&h);
    let mut h = at_apis();
    h.keys("t")
        .targets(Ok(vec![local()]))
        .keys("enter")
        .refused(failure);
    check(&h);
    h.keys("esc esc !");
    check(&h);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever somebody types or pastes, the screen draws and draws nothing that a terminal obeys.
    #[test]
    fn no_text_breaks_the_screen(name in any::<String>(), typed in any::<String>()) {
        let mut h = Harness::new(Some(local()));
        h.connected().apis(Ok(vec![api("k3v9x2a1bc", &name)]));
        h.keys("/").pastes(&typed);
        check(&h);
        prop_assert_eq!(StageName::parse(&typed).is_ok(), typed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') && (1..=128).contains(&typed.len()));
    }
}
