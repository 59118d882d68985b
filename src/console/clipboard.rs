//! The clipboard of the machine the person sits at, reached through the terminal itself (OSC 52), also over ssh.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::model::{Failure, FailureKind};

/// Longer than this in base64 and terminals drop the sequence silently. SOURCE: xterm and the terminals that follow it
/// take 100,000 bytes at most, tmux and hterm somewhat less.
const LONGEST: usize = 74_000;

/// The bytes that put the text on the clipboard, and the way they go, for a person.
///
/// # Errors
/// Fails for a text that terminals would not take.
pub(super) fn sequence(text: &str, in_tmux: bool) -> Result<(Vec<u8>, &'static str), Failure> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > LONGEST {
        let cause = format!(
            "a terminal takes about {} KB this way, and this is {} KB",
            LONGEST / 4 * 3 / 1000,
            text.len() / 1000
        );
        return Err(
            Failure::new(FailureKind::User, "Cannot copy to the clipboard")
                .cause(cause)
                .hint("copy a part of it, or open it in the editor and save it to a file"),
        );
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    if !in_tmux {
        return Ok((plain.into_bytes(), "OSC 52"));
    }
    // tmux takes the plain sequence with `set-clipboard on` and passes the wrapped one with `allow-passthrough on`;
    // which of them is set cannot be seen from inside, and getting the same text twice does no harm.
    let wrapped = format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\");
    Ok((wrapped.into_bytes(), "OSC 52 through tmux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_for_the_terminal() {
        let (bytes, way) = sequence("wss://x", false).unwrap();
        assert_eq!(bytes, b"\x1b]52;c;d3NzOi8veA==\x07");
        assert_eq!(way, "OSC 52");
    }

    #[test]
    fn tmux_gets_it_plain_and_wrapped() {
        let (bytes, way) = sequence("x", true).unwrap();
        assert_eq!(
            bytes,
            b"\x1b]52;c;eA==\x07\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\"
        );
        assert_eq!(way, "OSC 52 through tmux");
    }

    #[test]
    fn what_a_terminal_would_drop_is_refused_with_a_way_out() {
        assert!(sequence(&"x".repeat(55_000), false).is_ok());
        let failure = sequence(&"x".repeat(56_000), false).unwrap_err();
        assert!(failure.hint.is_some());
    }
}
