//! The person's own editor on a text of ours, by way of a private file that is gone afterwards.

use std::{
    io::{self, Write},
    process::ExitStatus,
};

use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::model::{Failure, FailureKind};

/// The editor of a system where nobody chose one. SOURCE: POSIX, `crontab -e` and `more`: vi is the default.
const DEFAULT: &str = "vi";

/// Opens the text in the editor and returns what was saved. The editor has the terminal meanwhile.
///
/// # Errors
/// Fails when the editor cannot be started, ends badly, or saves what is not text.
pub(super) async fn edit(editor: Option<String>, text: String) -> Result<String, Failure> {
    let editor = editor.unwrap_or_else(|| DEFAULT.to_owned());
    let failed = || {
        Failure::new(FailureKind::User, "Cannot edit the message")
            .hint("set VISUAL or EDITOR to your editor's command")
    };
    let file = private_file(&text).map_err(|error| {
        failed()
            .cause("cannot make a temporary file")
            .caused_by(&error)
    })?;
    // The variable may carry arguments, so a shell takes it apart, as git and others do. The path is not part of the
    // command's text and needs no quoting.
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg(&editor)
        .arg(file.path())
        .status()
        .await
        .map_err(|error| failed().cause("cannot start a shell").caused_by(&error))?;
    if !status.success() {
        return Err(failed().cause(format!("\"{editor}\" {}", ending(status))));
    }
    let bytes = std::fs::read(file.path()).map_err(|error| {
        failed()
            .cause("cannot read what the editor saved")
            .caused_by(&error)
    })?;
    let mut edited = String::from_utf8(bytes).map_err(|error| {
        failed()
            .cause("the editor saved what is not text in UTF-8")
            .caused_by(&error)
    })?;
    // Editors end the last line; the message did not ask for that.
    if edited.ends_with('\n') && !text.ends_with('\n') {
        edited.pop();
    }
    Ok(edited)
}

fn private_file(text: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("stagewire-")
        .suffix(".json")
        .tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(
        || "was ended by a signal".to_owned(),
        |code| format!("ended with code {code}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn edit_with(editor: &str, text: &str) -> Result<String, Failure> {
        edit(Some(editor.to_owned()), text.to_owned()).await
    }

    #[tokio::test]
    async fn what_the_editor_saves_comes_back() {
        let edited = edit_with("sed -i s/hello/goodbye/", "hello").await;
        assert_eq!(edited.unwrap(), "goodbye");
    }

    #[tokio::test]
    async fn the_line_end_that_editors_add_is_taken_off() {
        let edited = edit_with("printf 'a\\nb\\n' >", "hello").await;
        assert_eq!(edited.unwrap(), "a\nb");
    }

    #[tokio::test]
    async fn the_file_is_private_and_gone_afterwards() {
        let report = edit_with(
            "report() { stat -c '%a %n' \"$1\" > \"$1.new\"; mv \"$1.new\" \"$1\"; }; report",
            "",
        )
        .await
        .unwrap();
        let (mode, path) = report.trim_end().split_once(' ').unwrap();
        assert_eq!(mode, "600");
        assert!(!std::path::Path::new(path).exists());
    }

    #[tokio::test]
    async fn an_editor_that_fails_is_named() {
        let failure = edit_with("false", "hello").await.unwrap_err();
        assert_eq!(failure.causes, ["\"false\" ended with code 1"]);
        let failure = edit_with("no-such-editor", "hello").await.unwrap_err();
        assert!(failure.causes[0].contains("no-such-editor"), "{failure}");
    }

    #[tokio::test]
    async fn what_is_not_text_is_refused() {
        let failure = edit_with("printf '\\377' >", "hello").await.unwrap_err();
        assert!(failure.causes[0].contains("UTF-8"), "{failure}");
    }
}
