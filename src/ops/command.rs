//! Commands of the AWS CLI that do what a plan does, ready to be pasted into a shell.

use std::{borrow::Cow, fmt::Write};

use crate::model::{Target, text};

/// `aws apigatewayv2 OPERATION …` at that target; an option without a value is a flag.
pub(super) fn command<'a>(
    target: &Target,
    operation: &str,
    arguments: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let options = match target {
        Target::Local(local) => vec![
            ("--endpoint-url", Some(local.endpoint_url())),
            ("--region", Some(local.region.clone())),
        ],
        Target::Aws(aws) => vec![
            ("--profile", aws.profile.clone()),
            ("--region", aws.region.clone()),
            ("--endpoint-url", aws.endpoint_url.clone()),
        ],
    };
    let mut words = vec![format!("aws apigatewayv2 {operation}")];
    let chosen = options.iter().filter(|(_, value)| value.is_some());
    words.extend(chosen.map(|(name, value)| word(name, value.as_deref())));
    let arguments = arguments.into_iter();
    words.extend(arguments.map(|(name, value)| word(name, value)));
    words.join(" ")
}

fn word(name: &str, value: Option<&str>) -> String {
    match value {
        None => name.to_owned(),
        // What begins like an option would be taken for one.
        Some(value) if value.starts_with('-') => format!("{name}={}", quote(value)),
        Some(value) => format!("{name} {}", quote(value)),
    }
}

/// The text as one word of a shell, on one line and safe to show.
fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    if text.chars().all(is_shown) {
        return Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")));
    }
    let mut word = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\\' | '\'' => word.extend(['\\', character]),
            '\n' => word.push_str(r"\n"),
            '\t' => word.push_str(r"\t"),
            '\r' => word.push_str(r"\r"),
            c if is_shown(c) => word.push(c),
            c => {
                // Writing to a string cannot fail.
                let _written = write!(word, "\\u{:04x}", u32::from(c)).is_ok();
            }
        }
    }
    Cow::Owned(format!("$'{word}'"))
}

/// False for what a terminal would obey.
fn is_shown(character: char) -> bool {
    matches!(
        text::printable(character.encode_utf8(&mut [0; 4])),
        Cow::Borrowed(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::AwsTarget;

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        for (text, word) in [
            ("k3v9x2a1bc", "k3v9x2a1bc"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("add join route", "'add join route'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("<new>", "'<new>'"),
            ("", "''"),
            ("it's\n\tC:\\\x1b\u{202e}", r"$'it\'s\n\tC:\\\u001b\u202e'"),
        ] {
            assert_eq!(quote(text), word);
        }
    }

    #[test]
    fn flags_have_no_value_and_a_value_is_never_taken_for_an_option() {
        let arguments = [
            ("--no-auto-deploy", None),
            ("--description", Some("--force")),
        ];
        assert_eq!(
            command(
                &Target::Aws(AwsTarget::default()),
                "update-stage",
                arguments
            ),
            "aws apigatewayv2 update-stage --no-auto-deploy --description=--force"
        );
    }
}
