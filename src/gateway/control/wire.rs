//! The wire format that all operations share: bodies in and out, paging, timestamps.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::error::ApiError;

/// Text by text, as many members are.
pub(crate) type Texts = BTreeMap<String, String>;

/// A member that the gateway looks at only to see that it is there.
pub(crate) type Presence = Option<serde::de::IgnoredAny>;

/// The answer of a handler; the status is the operation's.
#[derive(Debug)]
pub(super) struct Reply(pub(super) Option<Bytes>);

impl Reply {
    pub(super) fn empty() -> Self {
        Self(None)
    }

    pub(super) fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("invariant: wire shapes have text keys only");
        Self(Some(body.into()))
    }
}

/// Reads a body. None at all is `{}`; unknown members are passed over.
// GUESS: the texts. The one type that the service model has for a body that cannot be read is `BadRequestException`.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // The reader passes over members that are not asked for, and over what their texts are made of.
    let body = std::str::from_utf8(body)
        .map_err(|_| ApiError::bad_request("The body is not valid UTF-8"))?;
    let body = body.trim_ascii();
    let body = if body.is_empty() { "{}" } else { body };
    if !body.starts_with('{') {
        return Err(ApiError::bad_request("The body must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_str(body);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let member = error.path().to_string();
        match member.as_str() {
            "." | "?" => ApiError::bad_request(format!("The body is not valid: {}", error.inner())),
            _ => ApiError::bad_request(format!("Invalid value for {member}: {}", error.inner())),
        }
    })?;
    reader
        .end()
        .map_err(|error| ApiError::bad_request(format!("The body is not valid: {error}")))?;
    Ok(value)
}

/// Reads a structure from an object and nothing else; a derived reader would take an array too.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let map = Option::<Map<String, Value>>::deserialize(deserializer)?;
    map.map(|map| serde_json::from_value(Value::Object(map)).map_err(serde::de::Error::custom))
        .transpose()
}

/// Reads a map of structures, each from an object and nothing else.
pub(super) fn objects<'de, T, D>(deserializer: D) -> Result<Option<BTreeMap<String, T>>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let maps = Option::<BTreeMap<String, Map<String, Value>>>::deserialize(deserializer)?;
    let Some(maps) = maps else {
        return Ok(None);
    };
    let entries = maps.into_iter().map(|(key, map)| {
        let value = serde_json::from_value(Value::Object(map)).map_err(serde::de::Error::custom)?;
        Ok((key, value))
    });
    entries.collect::<Result<_, _>>().map(Some)
}

/// Reads a list of structures, each from an object and nothing else.
pub(super) fn items<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let maps = Option::<Vec<Map<String, Value>>>::deserialize(deserializer)?;
    let Some(maps) = maps else {
        return Ok(None);
    };
    let items = maps
        .into_iter()
        .map(|map| serde_json::from_value(Value::Object(map)).map_err(serde::de::Error::custom));
    items.collect::<Result<_, _>>().map(Some)
}

/// Writes a point in time as AWS writes it: `2018-11-15T06:23:51Z`, whole seconds.
pub(super) fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second());
    whole.unwrap_or(time).to_string()
}

/// The part of a list that a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paging {
    /// The id that the page before ended with.
    pub(super) after: Option<String>,
    /// Most items of the page.
    pub(super) limit: usize,
}

impl Paging {
    // GUESS: 25 items unless told otherwise and 500 at most, as version 1 of the API documents.
    const DEFAULT: usize = 25;
    const MOST: usize = 500;

    pub(super) fn from_query(query: &[(String, String)]) -> Result<Self, ApiError> {
        let find = |name: &str| {
            let found = query.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let limit = match find("maxResults") {
            None => Self::DEFAULT,
            Some(text) => match text.parse::<u64>() {
                Ok(0) | Err(_) => {
                    return Err(ApiError::bad_request(format!(
                        "Invalid value for maxResults: {text}. It must be a number of 1 or more"
                    )));
                }
                Ok(limit) => usize::try_from(limit).map_or(Self::MOST, |it| it.min(Self::MOST)),
            },
        };
        let after = find("nextToken").map(read_token).transpose()?;
        Ok(Self { after, limit })
    }
}

const TOKEN_PREFIX: &str = "1:";

fn write_token(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_PREFIX}{id}"))
}

fn read_token(token: &str) -> Result<String, ApiError> {
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.as_deref()
        .and_then(|text| text.strip_prefix(TOKEN_PREFIX))
        .map(str::to_owned)
        .ok_or_else(|| ApiError::bad_request("Invalid nextToken"))
}

/// A page of a list on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Makes a page out of up to one record more than it takes, which tells whether another page follows.
pub(super) fn page<R: crate::gateway::store::Record, T>(
    mut records: Vec<R>,
    paging: &Paging,
    show: impl FnMut(R) -> T,
) -> Page<T> {
    let is_more = records.len() > paging.limit;
    records.truncate(paging.limit);
    let last = records.last().filter(|_| is_more);
    Page {
        next_token: last.map(|record| write_token(record.id())),
        items: records.into_iter().map(show).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Shape {
        name: Option<String>,
        size: Option<u32>,
        #[serde(deserialize_with = "object")]
        inner: Option<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        on: Option<bool>,
    }

    #[test]
    fn no_body_is_an_empty_object_and_null_is_absence() {
        assert_eq!(parse::<Shape>(b"").unwrap(), Shape::default());
        assert_eq!(parse::<Shape>(b" \n").unwrap(), Shape::default());
        assert_eq!(
            parse::<Shape>(b"{\"name\":null,\"x\":[1]}").unwrap(),
            Shape::default()
        );
    }

    #[track_caller]
    fn check_refused(body: &[u8], expected: &str) {
        let error = parse::<Shape>(body).unwrap_err();
        assert_eq!(error.code, "BadRequestException");
        assert!(error.message.contains(expected), "{}", error.message);
    }

    #[test]
    fn a_body_of_another_shape_is_refused_with_its_member() {
        check_refused(b"[]", "must be a JSON object");
        check_refused(b"null", "must be a JSON object");
        check_refused(b"{\"size\":\"7\"}", "Invalid value for size");
        check_refused(b"{\"inner\":[true]}", "Invalid value for inner");
        check_refused(b"{\"name\":\"a\"", "EOF");
        check_refused(b"{} {}", "trailing");
        check_refused(b"{\"name\":\"\xff\"}", "UTF-8");
        check_refused(b"{\"unknown\":\"\xff\"}", "UTF-8");
        let deep = format!("{{\"inner\":{{\"on\":{}", "[".repeat(100_000));
        check_refused(deep.as_bytes(), "recursion limit");
    }

    #[test]
    fn timestamps_are_whole_seconds() {
        let time: Timestamp = "2018-11-15T06:23:51.987654Z".parse().unwrap();
        assert_eq!(seconds(time), "2018-11-15T06:23:51Z");
    }

    fn paging(query: &[(&str, &str)]) -> Result<Paging, ApiError> {
        let owned: Vec<(String, String)> = query
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Paging::from_query(&owned)
    }

    #[test]
    fn paging_has_a_default_and_a_limit() {
        assert_eq!(paging(&[]).unwrap().limit, 25);
        assert_eq!(paging(&[("maxResults", "7")]).unwrap().limit, 7);
        assert_eq!(paging(&[("maxResults", "99999")]).unwrap().limit, 500);
        for text in ["0", "-1", "many", "1.5"] {
            assert_eq!(
                paging(&[("maxResults", text)]).unwrap_err().code,
                "BadRequestException"
            );
        }
    }

    #[test]
    fn tokens_lead_on_from_where_they_were_made() {
        let token = write_token("abc");
        let after = paging(&[("nextToken", &token)]).unwrap().after;
        assert_eq!(after.as_deref(), Some("abc"));
        assert_eq!(
            paging(&[("nextToken", "nonsense")]).unwrap_err().message,
            "Invalid nextToken"
        );
    }
}
