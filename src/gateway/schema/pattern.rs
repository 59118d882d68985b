//! Regular expressions as JavaScript has them, with a bound on the work that each makes of a text.
//!
//! A pattern becomes a machine that reads a text once and builds its states as it goes; a state that is not built yet
//! costs as much as the pattern is large, and is paid for. Look-ahead at the start of a pattern, its most common place,
//! becomes a machine of its own. Any other look-around or look back goes to an engine that tries and tries again, whose
//! limit counts only some of its work, so that only short texts can be judged.

use std::sync::{Mutex, PoisonError};

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{self, NFA, WhichCaptures},
};

use super::{
    budget::{Budget, Spent},
    equal::STEP_BYTES,
    script,
};

/// Bytes that a compiled pattern may take, and as many for its cache.
const PATTERN_BYTES: usize = 1024 * 1024;
/// Bytes that all patterns of a schema may take together.
const PATTERNS_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a pattern that is only asked whether it is one.
const TRIAL_BYTES: usize = 16 * 1024;
/// Steps back that a pattern with look-around may take for one text.
const MOST_BACKTRACKS: usize = 10_000;
/// Steps that a text takes with any pattern.
const LEAST_STEPS: usize = 8;
/// Bytes that a pattern reads in one step.
const READ_BYTES: usize = 4;
/// The product of all counts that a pattern with look-around may have: its engine goes through each of them.
const MOST_REPEATS: usize = 1000;
/// States of a pattern that one step passes while a new state of its machine is built.
const STEP_STATES: usize = 2;
/// States times bytes times bytes that a pattern with look-around passes in one step, seldom as many as there are.
const STEP_WORK: usize = 128;
/// Bytes of one state of a compiled pattern, about.
const STATE_BYTES: usize = 64;

/// Bytes that each of so many patterns may take.
pub(super) fn bytes_of_each(n_patterns: usize) -> usize {
    PATTERN_BYTES.min(PATTERNS_BYTES / n_patterns.max(1))
}

/// The reason why a text gives no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Syntax,
    TooLarge,
}

/// A pattern that texts are held to.
#[derive(Debug)]
pub(super) struct Pattern(Form);

#[derive(Debug)]
enum Form {
    Plain(Box<Machine>),
    /// Machines that start where the text does, and which of them must find something.
    Guarded(Vec<(Machine, bool)>),
    Backtracking(Box<Backtracker>),
}

impl Pattern {
    /// Compiles a pattern within so many bytes.
    pub(super) fn new(text: &str, bytes: usize) -> Result<Self, Flaw> {
        let text = script::translate(text).ok_or(Flaw::Syntax)?;
        match Machine::new(&text, bytes) {
            Ok(machine) => return Ok(Self(Form::Plain(Box::new(machine)))),
            Err(Flaw::Syntax) if script::looks_around(&text) => {}
            Err(flaw) => return Err(flaw),
        }
        let guarded = script::split_guards(&text).and_then(|guards| {
            let machines = guards.into_iter();
            let bytes = bytes / machines.len();
            let machines =
                machines.map(|(text, is_wanted)| Ok((Machine::new(&text, bytes)?, is_wanted)));
            machines.collect::<Result<_, Flaw>>().ok()
        });
        match guarded {
            Some(machines) => Ok(Self(Form::Guarded(machines))),
            None => Ok(Self(Form::Backtracking(Box::new(Backtracker::new(
                &text, bytes,
            )?)))),
        }
    }

    /// True when a text is a pattern, of any size.
    pub(super) fn is_one(text: &str) -> bool {
        Self::new(text, TRIAL_BYTES).map_or_else(|flaw| flaw == Flaw::TooLarge, |_| true)
    }

    /// True when the pattern is found in a text.
    pub(super) fn is_in(&self, text: &str, budget: &mut Budget) -> Result<bool, Spent> {
        match &self.0 {
            Form::Plain(machine) => machine.is_in(text, budget),
            Form::Guarded(machines) => {
                for (machine, is_wanted) in machines {
                    if machine.is_in(text, budget)? != *is_wanted {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Form::Backtracking(backtracker) => backtracker.is_in(text, budget),
        }
    }
}

/// A machine that reads a text once.
#[derive(Debug)]
struct Machine {
    dfa: DFA,
    /// The states that were built for earlier texts, while nobody uses them. They make a text cheaper, never dearer.
    cache: Mutex<Option<Cache>>,
}

impl Machine {
    fn new(text: &str, bytes: usize) -> Result<Self, Flaw> {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(bytes))
            .which_captures(WhichCaptures::None);
        let nfa = NFA::compiler().configure(config).build(text);
        let nfa = nfa.map_err(|error| match error.size_limit() {
            Some(_) => Flaw::TooLarge,
            None => Flaw::Syntax,
        })?;
        let config = DFA::config()
            .match_kind(MatchKind::LeftmostFirst)
            .cache_capacity(bytes)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa);
        Ok(Self {
            // What is left to fail is what the machine cannot do, as look-around.
            dfa: dfa.map_err(|_| Flaw::Syntax)?,
            cache: Mutex::new(None),
        })
    }

    fn is_in(&self, text: &str, budget: &mut Budget) -> Result<bool, Spent> {
        budget.spend(LEAST_STEPS + text.len() / READ_BYTES)?;
        let mut lock = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock.take();
        drop(lock);
        let mut cache = kept.unwrap_or_else(|| self.dfa.create_cache());
        let found = self.search(text, &mut cache, budget);
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cache);
        found
    }

    /// Reads the text byte by byte. A search of the library's own would not say how many states it builds.
    fn search(&self, text: &str, cache: &mut Cache, budget: &mut Budget) -> Result<bool, Spent> {
        let n_states = self.dfa.get_nfa().states().len();
        let input = Input::new(text).anchored(Anchored::No);
        let start = self.dfa.start_state_forward(cache, &input);
        let mut state = start.map_err(|_| Spent)?;
        for byte in text.bytes() {
            let mut next = self.dfa.next_state_untagged(cache, state, byte);
            if next.is_unknown() {
                budget.spend(1 + n_states / STEP_STATES)?;
                let built = self.dfa.next_state(cache, state, byte);
                next = built.map_err(|_| Spent)?;
            }
            if next.is_match() {
                return Ok(true);
            }
            if next.is_dead() {
                return Ok(false);
            }
            if next.is_quit() {
                return Err(Spent);
            }
            state = next;
        }
        let end = self.dfa.next_eoi_state(cache, state);
        Ok(end.map_err(|_| Spent)?.is_match())
    }
}

/// A pattern that looks around or back.
#[derive(Debug)]
struct Backtracker {
    regex: fancy_regex::Regex,
    /// States of all its parts, about, as often as they are repeated.
    n_states: usize,
}

impl Backtracker {
    fn new(text: &str, bytes: usize) -> Result<Self, Flaw> {
        let text = &script::without_edges(text);
        let (n_parts, n_repeats) = script::repeats(text);
        if n_repeats > MOST_REPEATS {
            return Err(Flaw::TooLarge);
        }
        let bytes = bytes / n_parts;
        let mut flaw = Flaw::TooLarge;
        // It does not tell how large it is, only whether it is small enough.
        for bytes in [bytes.min(4096), bytes.min(65_536), bytes] {
            let regex = fancy_regex::RegexBuilder::new(text)
                .backtrack_limit(MOST_BACKTRACKS)
                .delegate_size_limit(bytes)
                .delegate_dfa_size_limit(bytes)
                .build();
            flaw = match regex {
                Ok(regex) => {
                    let n_states = bytes / STATE_BYTES * n_parts * n_repeats;
                    return Ok(Self { regex, n_states });
                }
                Err(error) if is_of_size(&error) => Flaw::TooLarge,
                Err(_) => Flaw::Syntax,
            };
        }
        Err(flaw)
    }

    fn is_in(&self, text: &str, budget: &mut Budget) -> Result<bool, Spent> {
        // Each of its parts may be tried at each place, and may read to the end each time.
        let length = text.len() + STEP_BYTES;
        let work = length.saturating_mul(length).saturating_mul(self.n_states);
        budget.spend(work / STEP_WORK)?;
        self.regex.is_match(text).map_err(|_| Spent)
    }
}

/// True when a pattern is refused for its size, and not for what it says.
fn is_of_size(error: &fancy_regex::Error) -> bool {
    let fancy_regex::Error::CompileError(error) = error else {
        return false;
    };
    match &**error {
        fancy_regex::CompileError::InnerError(error) => error.size_limit().is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let compiled = Pattern::new(pattern, PATTERN_BYTES);
        let found = compiled.map(|it| it.is_in(text, &mut Budget::of_a_message()));
        assert_eq!(found.unwrap(), Ok(expected), "{pattern} {text:?}");
    }

    #[test]
    fn a_pattern_is_looked_for_anywhere_in_a_text() {
        check("", "", true);
        check("b", "abc", true);
        check("^b", "abc", false);
        check("c$", "abc", true);
        check("c$", "abc\n", false);
        check("^.$", "é", true);
        check("^(a|b)*$", "abba", true);
        check(r"\bword\b", "a word.", true);
        check(r"\bword\b", "swords", false);
        check(r"\Bord", "word", true);
    }

    #[test]
    fn a_pattern_looks_around_and_back() {
        check(r"^(?!x)\d+$", "12", true);
        check(r"^(?!x)\w+$", "x1", false);
        check(r"^(?=.*[A-Z])(?=.*\d)(?!.*[ )]).{4,}$", "abC1", true);
        check(r"^(?=.*[A-Z])(?=.*\d)(?!.*[ )]).{4,}$", "abC)1", false);
        check(r"^(?!a|b)|b$", "ab", true);
        check(r"^(?:(?!ab).)*$", "aab", false);
        check(r"(?=a)\w", "ba", true);
        check(r"(a+)-\1$", "xaa-aa", true);
        check(r"(a+)-\1$", "xaa-aab", false);
        check(r"(?<=\$)\d", "$5", true);
        check(r"^(?=(a))\1b", "ab", true);
        check(r"(?!x)\bé?a\b", "éa", true);
        check(r"(?!x)\Ba", "éa", false);
        check(r"(?!x)\Ba", "ba", true);
    }

    #[test]
    fn what_is_no_pattern_is_told_from_what_is_too_large() {
        let flaw = |text: &str| Pattern::new(text, PATTERN_BYTES).err();
        for text in [
            "(",
            "[",
            "a{2,1}",
            "*a",
            r"\",
            r"\Z",
            r"\k<gone>",
            "(?=a",
            "[b-a]",
            "(?=a)[b-a]",
            ")",
        ] {
            assert_eq!(flaw(text), Some(Flaw::Syntax), "{text}");
            assert!(!Pattern::is_one(text), "{text}");
        }
        for text in ["(a{200}){200}", r"(?<!x)(\w{200}){200}", "(?<!x)a{1001}"] {
            assert_eq!(flaw(text), Some(Flaw::TooLarge), "{text}");
            assert!(Pattern::is_one(text), "{text}");
        }
    }

    #[test]
    fn no_pattern_looks_at_a_text_for_ever() {
        let long = "ab".repeat(60_000);
        let found = |pattern: &str| {
            let pattern = Pattern::new(pattern, PATTERN_BYTES).unwrap();
            pattern.is_in(&long, &mut Budget::of_a_message())
        };
        assert_eq!(found("^(a|b)*$"), Ok(true));
        assert_eq!(found("^((a|b)+)+c$"), Ok(false));
        assert_eq!(found("^(?=.*b)(?!.*c).*$"), Ok(true));
        assert_eq!(found("(?:(?=[ab]*c)[ab])*$"), Err(Spent));
        let mut noise = 1_u32;
        let noise = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if noise >> 31 == 0 { 'a' } else { 'b' }
        });
        let noise: String = noise.take(120_000).collect();
        let steep = Pattern::new("a[ab]{3000}c", PATTERN_BYTES).unwrap();
        assert_eq!(steep.is_in(&noise, &mut Budget::of_a_message()), Err(Spent));
    }

    proptest! {
        #[test]
        fn no_pattern_panics(
            start in r"(\^?\(\?<?[=!])?",
            pattern in r"[\[\]^$(){}|?*+,\\dwsbBcukpx0-2aé=!<>:&~-]{0,24}",
            text in r"[ab0-2é -]{0,12}",
        ) {
            let pattern = start + &pattern;
            let is_one = Pattern::is_one(&pattern);
            match Pattern::new(&pattern, PATTERN_BYTES) {
                Ok(pattern) => {
                    let _found = pattern.is_in(&text, &mut Budget::of_a_message());
                    prop_assert!(is_one);
                }
                Err(flaw) => prop_assert_eq!(is_one, flaw == Flaw::TooLarge),
            }
        }
    }
}
