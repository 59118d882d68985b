//! The one place that reads the environment.
//!
//! The AWS SDK and the proxy matcher read their own documented variables themselves; everything else goes through here.

use std::env::VarError;

/// The variable's value; none when it is absent, empty or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn var(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Some(value),
        Ok(_) | Err(VarError::NotPresent | VarError::NotUnicode(_)) => None,
    }
}

/// True inside an ssh session, where bytes to the screen are dear.
pub fn is_ssh() -> bool {
    var("SSH_CONNECTION").is_some() || var("SSH_TTY").is_some()
}

/// True inside tmux, which hands escape sequences on only when they are wrapped for it.
pub fn is_tmux() -> bool {
    var("TMUX").is_some()
}

/// The terminal's type (`TERM`).
pub fn term() -> Option<String> {
    var("TERM")
}

/// True when the person asked every program for no colours (`NO_COLOR`, any value but an empty one).
pub fn no_color() -> bool {
    var("NO_COLOR").is_some()
}

/// True when the locale's characters are UTF-8: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set decides.
pub fn is_utf8() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(var)
        .is_some_and(|locale| names_utf8(&locale))
}

/// The person's editor (`VISUAL`, then `EDITOR`), as a command that may carry arguments.
pub fn editor() -> Option<String> {
    var("VISUAL").or_else(|| var("EDITOR"))
}

/// The log filter (`STAGEWIRE_LOG`), in the syntax of `tracing`'s environment filter.
pub fn log_filter() -> Option<String> {
    var("STAGEWIRE_LOG")
}

fn names_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_name_utf8_in_several_ways() {
        for locale in ["C.UTF-8", "de_DE.utf8", "en_US.UTF-8@euro"] {
            assert!(names_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "de_DE.ISO-8859-1"] {
            assert!(!names_utf8(locale), "{locale}");
        }
    }

    #[test]
    fn a_variable_that_is_absent_has_no_value() {
        assert_eq!(var("STAGEWIRE_NO_SUCH_VARIABLE"), None);
    }
}
