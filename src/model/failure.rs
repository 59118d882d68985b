//! An error as a person reads it, the same on the screen and on the command line.

use std::{error::Error, fmt};

/// A failure: the act that could not be done, its causes, and the next thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line that says what could not be done, in the person's words, without a full stop.
    pub title: String,
    /// One line each, outermost first.
    pub causes: Vec<String>,
    /// The next thing to try, when we know one.
    pub hint: Option<String>,
    /// The kind of failure, by whose matter it is.
    pub kind: FailureKind,
}

/// The kind of a failure, by whose matter it is; the command line's exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The person asked for something that cannot be.
    User,
    /// Settings or credentials are wrong.
    Config,
    /// The other side refused, failed or was not there.
    Remote,
    /// Our bug.
    Internal,
}

impl Failure {
    /// Makes a failure without causes or hint.
    pub fn new(kind: FailureKind, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            causes: Vec::new(),
            hint: None,
            kind,
        }
    }

    /// Adds a cause below the ones that are there.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds an error and everything under it as causes; a level that repeats its source's text is told once.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if !self.causes.last().is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Sets the next thing to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.title)?;
        for cause in &self.causes {
            write!(formatter, "\n  because: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(formatter, "\n  try: {hint}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        #[source]
        below: Option<Box<Level>>,
    }

    #[test]
    fn causes_are_told_outermost_first_and_once() {
        let inner = Level {
            text: "connection refused",
            below: None,
        };
        let same = Level {
            text: "connection refused",
            below: Some(Box::new(inner)),
        };
        let outer = Level {
            text: "cannot reach 127.0.0.1",
            below: Some(Box::new(same)),
        };
        let failure = Failure::new(FailureKind::Remote, "Cannot list APIs").caused_by(&outer);
        assert_eq!(
            failure.causes,
            ["cannot reach 127.0.0.1", "connection refused"]
        );
    }

    #[test]
    fn text_has_title_causes_and_hint() {
        let failure = Failure::new(FailureKind::User, "Cannot deploy")
            .cause("no routes")
            .hint("add one");
        assert_eq!(
            failure.to_string(),
            "Cannot deploy\n  because: no routes\n  try: add one"
        );
    }
}
