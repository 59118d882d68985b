//! Finding an API by what a person calls it.

use crate::{
    aws::Control,
    model::{Api, Failure, FailureKind, text::printable},
};

/// The API of that id, or the only one of that name.
///
/// # Errors
/// Fails when there is none, telling what resembles it; when there are several, telling their ids; and when the control
/// plane refuses or cannot be reached.
pub async fn find_api(control: &Control, id_or_name: &str) -> Result<Api, Failure> {
    let title = || format!("Cannot find the API \"{}\"", printable(id_or_name));
    let apis = control.apis().await.map_err(|e| e.failure(title()))?;
    choose(&apis, id_or_name).map_err(|(cause, hint)| {
        Failure::new(FailureKind::User, title())
            .cause(cause)
            .hint(hint)
    })
}

/// The API that is meant, or the reason and what to do.
fn choose(apis: &[Api], id_or_name: &str) -> Result<Api, (String, String)> {
    if let Some(api) = apis.iter().find(|api| api.id.as_str() == id_or_name) {
        return Ok(api.clone());
    }
    let named: Vec<&Api> = apis.iter().filter(|api| api.name == id_or_name).collect();
    match named.as_slice() {
        [api] => Ok((*api).clone()),
        [] if apis.is_empty() => Err((
            "this target has no WebSocket APIs".to_owned(),
            "choose another profile or region, or `--local` for the demo".to_owned(),
        )),
        [] => Err((
            "no WebSocket API of this target has that id or name".to_owned(),
            suggestion(apis, id_or_name),
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|api| api.id.as_str()).collect();
            Err((
                format!("{} APIs have that name: {}", ids.len(), ids.join(", ")),
                "name it by its id".to_owned(),
            ))
        }
    }
}

fn suggestion(apis: &[Api], wanted: &str) -> String {
    let near: Vec<&str> = apis
        .iter()
        .map(|api| api.name.as_str())
        .filter(|name| resembles(name, wanted))
        .collect();
    let quoted = |names: &[&str]| printable(&names.join(", ")).into_owned();
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near));
    }
    let names: Vec<&str> = apis.iter().take(8).map(|api| api.name.as_str()).collect();
    let more = if apis.len() > names.len() {
        ", …"
    } else {
        ""
    };
    format!("there are {}{more}", quoted(&names))
}

/// True for names that a person may have meant: the same but for case, one inside the other, or two slips away.
fn resembles(name: &str, wanted: &str) -> bool {
    let name = name.to_lowercase();
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() || name.is_empty() {
        return false;
    }
    name.contains(&wanted) || wanted.contains(&name) || distance(&name, &wanted) <= 2
}

/// Returns the number of characters that must be put in, taken out or replaced to make one text the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::api;

    fn apis() -> Vec<Api> {
        vec![
            api("a1", "chat"),
            api("b2", "ticker"),
            api("c3", "twin"),
            api("d4", "twin"),
        ]
    }

    #[track_caller]
    fn check_error(wanted: &str, cause: &str, hint: &str) {
        let (actual_cause, actual_hint) = choose(&apis(), wanted).unwrap_err();
        assert!(actual_cause.contains(cause), "{actual_cause}");
        assert!(actual_hint.contains(hint), "{actual_hint}");
    }

    #[test]
    fn an_api_is_found_by_id_and_by_name() {
        assert_eq!(choose(&apis(), "b2").unwrap().name, "ticker");
        assert_eq!(choose(&apis(), "chat").unwrap().id.as_str(), "a1");
    }

    #[test]
    fn two_apis_of_one_name_are_told_with_their_ids() {
        check_error("twin", "2 APIs have that name: c3, d4", "by its id");
        assert_eq!(choose(&apis(), "d4").unwrap().id.as_str(), "d4");
    }

    #[test]
    fn an_unknown_api_is_told_with_what_resembles_it() {
        check_error("Chat", "no WebSocket API", "did you mean chat?");
        check_error("tikcer", "no WebSocket API", "did you mean ticker?");
        check_error("zzzzzz", "no WebSocket API", "there are chat, ticker");
        let (cause, _) = choose(&[], "chat").unwrap_err();
        assert!(cause.contains("no WebSocket APIs"));
    }

    #[test]
    fn distance_counts_slips() {
        assert_eq!(distance("ticker", "ticker"), 0);
        assert_eq!(distance("tikcer", "ticker"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
