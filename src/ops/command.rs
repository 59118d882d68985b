//! Commands of the AWS CLI that do what a job does, ready to be pasted into a shell.
//!
//! Nobody writes them: the job makes its calls at a control plane that carries nothing out, and each call is told.

use std::{borrow::Cow, collections::HashMap, fmt::Write};

use crate::{
    aws::{CliCall, Control, Error, Rehearsal},
    model::{Target, text},
};

/// Calls at a target that are told and not made.
pub(super) struct Commands {
    rehearsal: Rehearsal,
    /// The words for ids that do not exist yet, by what stands for each in the calls.
    words: HashMap<String, String>,
}

impl Commands {
    /// None yet, of calls by `rehearsal`.
    pub(super) fn of(rehearsal: Rehearsal) -> Self {
        Self {
            rehearsal,
            words: HashMap::new(),
        }
    }

    /// Returns the handle to make the calls with.
    pub(super) fn control(&self) -> &Control {
        self.rehearsal.control()
    }

    /// The commands for the calls since the last look, one a call. `word` stands for the id of what they create.
    pub(super) fn take(&mut self, word: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        for call in self.rehearsal.take() {
            lines.push(self.line(&call));
            self.words
                .extend(word.map(|word| (call.new_id, word.to_owned())));
        }
        lines
    }

    fn line(&self, call: &CliCall) -> String {
        let mut words = vec![format!("aws apigatewayv2 {}", call.operation)];
        words.extend(target_options(self.control().target()));
        for (name, value) in &call.arguments {
            let value = value.as_deref().map(|value| self.with_words(value));
            words.push(option(name, value.as_deref()));
        }
        words.join(" ")
    }

    /// The value with the words for ids that do not exist yet: they stand alone or at the end of a path.
    fn with_words<'a>(&self, value: &'a str) -> Cow<'a, str> {
        let (path, id) = match value.rfind('/') {
            Some(slash) => value.split_at(slash + 1),
            None => ("", value),
        };
        match self.words.get(id) {
            Some(word) => Cow::Owned(format!("{path}{word}")),
            None => Cow::Borrowed(value),
        }
    }
}

/// The commands for the calls that `job` makes at the target; `word` stands for the ids of what it creates.
pub(super) fn commands(
    target: &Target,
    word: &str,
    job: impl AsyncFnOnce(&Control) -> Result<(), Error>,
) -> Vec<String> {
    let mut commands = Commands::of(Rehearsal::at(target));
    // A part of the commands would do a part of the job.
    match commands.rehearsal.play(job) {
        Some(Ok(())) => commands.take(Some(word)),
        Some(Err(error)) => vec![untold(&error.to_string())],
        None => vec![untold("a call waits for something")],
    }
}

/// A comment of a shell in place of commands.
fn untold(why: &str) -> String {
    tracing::error!("a job cannot be told as commands: {why}");
    format!(
        "# this cannot be told as commands: {}",
        why.replace('\n', " ")
    )
}

/// The options that lead every command to the target.
fn target_options(target: &Target) -> impl Iterator<Item = String> {
    let options = match target {
        Target::Local(local) => [
            ("--endpoint-url", Some(local.endpoint_url())),
            ("--region", Some(local.region.clone())),
            ("--profile", None),
        ],
        Target::Aws(aws) => [
            ("--profile", aws.profile.clone()),
            ("--region", aws.region.clone()),
            ("--endpoint-url", aws.endpoint_url.clone()),
        ],
    };
    let chosen = options.into_iter();
    chosen.filter_map(|(name, value)| Some(option(name, Some(value?.as_str()))))
}

/// An option with its value; one without a value is a flag.
fn option(name: &str, value: Option<&str>) -> String {
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
    use crate::model::{ApiId, target::AwsTarget};

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
        assert_eq!(option("--no-auto-deploy", None), "--no-auto-deploy");
        let described = option("--description", Some("--force"));
        assert_eq!(described, "--description=--force");
    }

    #[test]
    fn commands_go_to_the_target_and_name_what_they_create() {
        let api = ApiId::parse("a1").unwrap();
        let aws = AwsTarget {
            profile: Some("my work".to_owned()),
            region: Some("eu-west-1".to_owned()),
            endpoint_url: None,
        };
        let lines = commands(&Target::Aws(aws), "<new>", async |control| {
            let made = control.create_deployment(&api, Some("it's")).await?;
            control.delete_deployment(&api, &made.id).await
        });
        let at = "--profile 'my work' --region eu-west-1 --api-id a1";
        assert_eq!(
            lines,
            [
                format!(r"aws apigatewayv2 create-deployment {at} --description 'it'\''s'"),
                format!("aws apigatewayv2 delete-deployment {at} --deployment-id '<new>'"),
            ]
        );
    }
}
