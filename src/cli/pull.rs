//! `stagewire pull API`: an API's definition as a file, for version control and for `apply`.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::{
    args::PullArgs,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    model::{Failure, FailureKind, file},
    ops::pull,
};

pub(super) fn run(session: &Session, args: &PullArgs, output: Output) -> Result<Exit, Stop> {
    let pulled = start::ask(session, output, async |control| {
        pull::pull(&control, &args.api).await
    })?;
    for warning in &pulled.warnings {
        output::warn(warning);
    }
    let text = file::render(&pulled.file);
    match &args.output {
        None => output::answer(text.trim_end())?,
        Some(path) => {
            replace(path, &text).map_err(|error| {
                let title = format!("Cannot write {}", path.display());
                Failure::new(FailureKind::User, title).caused_by(&error)
            })?;
            output.progress(&format!("written: {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// Writes the file in one piece: whoever reads it finds the old text or the new one. What is no plain file, a pipe say, is
/// written as it is.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(found) if !found.is_file() => return fs::write(path, text),
        Ok(found) => Some(found.permissions()),
        Err(_) => None,
    };
    // A link stays one, to the new text.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let mut draft = tempfile::NamedTempFile::new_in(dir.unwrap_or(Path::new(".")))?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    let permissions = old.unwrap_or_else(usual_permissions);
    draft.as_file().set_permissions(permissions)?;
    draft.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Returns the permissions of a file that anybody may read; a definition holds no secrets but those that its author
/// wrote into templates.
fn usual_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_in_one_piece_and_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chat.json");
        replace(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("no/chat.json"), "x").is_err());
    }
}
