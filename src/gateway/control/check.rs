//! Rules that members of several operations share.
//!
//! SOURCE of the limits: the member types of the service model. GUESS: the texts, where no source has them.

use std::ops::RangeInclusive;

use super::{error::ApiError, wire::Texts};
use crate::{gateway::data::is_parameter, model::limit::DESCRIPTION_CHARS};

const REQUEST_PARTS: &[&str] = &[
    "header",
    "multivalueheader",
    "querystring",
    "multivaluequerystring",
];

/// Takes a member that must be there.
pub(super) fn required<'a, T>(member: &str, value: Option<&'a T>) -> Result<&'a T, ApiError> {
    value.ok_or_else(|| ApiError::bad_request(format!("Missing required member: {member}")))
}

/// Holds a text to a number of characters.
pub(super) fn length(
    member: &str,
    value: Option<&String>,
    chars: RangeInclusive<usize>,
) -> Result<(), ApiError> {
    match value {
        Some(value) if !chars.contains(&value.chars().count()) => {
            let (least, most) = chars.into_inner();
            Err(ApiError::bad_request(format!(
                "Invalid value for {member}: it must have {least} to {most} characters"
            )))
        }
        _ => Ok(()),
    }
}

pub(super) fn description(value: Option<&String>) -> Result<(), ApiError> {
    length("description", value, 0..=DESCRIPTION_CHARS)
}

/// Holds a text to the values of an enumeration. An empty one is as good as none; it changes nothing.
pub(super) fn one_of(
    member: &str,
    value: Option<&String>,
    allowed: &[&str],
) -> Result<(), ApiError> {
    match value {
        Some(value) if !value.is_empty() && !allowed.contains(&value.as_str()) => {
            Err(ApiError::bad_request(format!(
                "Invalid value for {member}: {value}. Must be one of [{}]",
                allowed.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses a member that only HTTP APIs have.
// SOURCE: recorded on AWS, September 2026, for three members of authorizers. GUESS: the same words for the other members.
pub(super) fn http_only(member: &str, is_present: bool) -> Result<(), ApiError> {
    if !is_present {
        return Ok(());
    }
    let (first, rest) = member.split_at(1);
    let member = first.to_ascii_uppercase() + rest;
    Err(ApiError::bad_request(format!(
        "{member} cannot be set for WEBSOCKET protocol Apis."
    )))
}

/// Holds a text to the form of an ARN; an empty one stands for none.
// GUESS: the text is version 1's, for the role of an integration.
pub(super) fn arn(value: Option<&String>) -> Result<(), ApiError> {
    match value {
        Some(value) if !value.is_empty() && !value.starts_with("arn:") => Err(
            ApiError::bad_request("Invalid ARN specified in the request"),
        ),
        _ => Ok(()),
    }
}

/// True for a parameter of the handshake by its kind and name.
pub(super) fn is_request_parameter(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(kind, name)| REQUEST_PARTS.contains(&kind) && is_parameter(name))
}

/// Holds a selection expression to what it may refer to; an empty one stands for none.
// SOURCE: the guide names what each expression supports; reported of AWS: the key `$default` is written `\$default`, and how
// it is refused otherwise. GUESS: the text for all others, which is that of a route selection expression.
pub(super) fn selection(
    member: &str,
    value: Option<&String>,
    may_select: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    match value.map(String::as_str) {
        Some("$default") => Err(ApiError::bad_request(
            "Unexpected variable in selection expression: $default",
        )),
        Some(text) if !may_select(text) => Err(ApiError::bad_request(format!("Invalid {member}"))),
        _ => Ok(()),
    }
}

/// Holds the entries of parameters to their lengths and forms.
pub(super) fn mappings(
    member: &str,
    parameters: Option<&Texts>,
    is_target: impl Fn(&str) -> bool,
    is_source: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    values(member, parameters, &(0..=512))?;
    let mut entries = parameters.into_iter().flatten();
    entries.try_for_each(|(key, value)| mapping(key, value, &is_target, &is_source))
}

/// Holds an entry of a mapping to its form. An empty value removes the entry, whatever its key.
fn mapping(
    key: &str,
    value: &str,
    is_target: impl Fn(&str) -> bool,
    is_source: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    if value.is_empty() {
        return Ok(());
    }
    if !is_target(key) {
        return Err(invalid_mapping("expression parameter specified", key));
    }
    if !is_source(value) {
        return Err(invalid_mapping("expression specified", value));
    }
    Ok(())
}

/// Refuses one end of a mapping, such as `expression parameter specified`.
// GUESS: the texts are version 1's.
fn invalid_mapping(what: &str, text: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping {what}: {text}]"
    ))
}

/// Holds tags that a caller gives to their number, lengths and names.
pub(super) fn tags(tags: Option<&Texts>) -> Result<(), ApiError> {
    let Some(tags) = tags else {
        return Ok(());
    };
    // SOURCE: reported of AWS.
    let is_reserved = |key: &String| key.to_ascii_lowercase().starts_with("aws:");
    if tags.keys().any(is_reserved) {
        return Err(ApiError::bad_request(
            "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)",
        ));
    }
    if tags.len() > 50 {
        return Err(ApiError::bad_request("A resource has at most 50 tags"));
    }
    for (key, value) in tags {
        length("tags", Some(key), 1..=128)?;
        // GUESS: the model names the type by 1 to 1600 characters and says 0; tags without a value are usual on AWS.
        length("tags", Some(value), 0..=1600)?;
    }
    Ok(())
}

/// Holds each value of a map to a number of characters.
pub(super) fn values(
    member: &str,
    map: Option<&Texts>,
    chars: &RangeInclusive<usize>,
) -> Result<(), ApiError> {
    for (key, value) in map.into_iter().flatten() {
        length(&format!("{member}.{key}"), Some(value), chars.clone())?;
    }
    Ok(())
}

/// Changes a text when a new one is given; an empty one clears it.
pub(super) fn patch(target: &mut Option<String>, given: Option<&String>) {
    if let Some(given) = given {
        *target = Some(given.clone()).filter(|text| !text.is_empty());
    }
}

/// Replaces a map when a new one is given; an empty one clears it.
pub(super) fn replace(target: &mut Option<Texts>, given: Option<&Texts>) {
    if let Some(given) = given {
        *target = Some(given.clone()).filter(|texts| !texts.is_empty());
    }
}

/// Puts the entries that are given into a map; an empty value removes one, and without entries there is no map.
pub(super) fn merge(target: &mut Option<Texts>, given: Option<&Texts>) {
    if let Some(given) = given {
        let mut merged = target.take().unwrap_or_default();
        merged.extend(given.clone());
        merged.retain(|_, value| !value.is_empty());
        *target = Some(merged).filter(|texts| !texts.is_empty());
    }
}

/// Returns the text, unless there is none or it is empty: what a new record keeps.
pub(super) fn kept(given: Option<&String>) -> Option<String> {
    given.filter(|text| !text.is_empty()).cloned()
}
