//! Mapping templates: the Velocity template language as API Gateway documents it, read once and rendered for a payload.
//!
//! Reading and rendering are pure, and both are bounded: nothing that a template or a payload says can make them
//! recurse without end, run for long or fill the memory. A template that would do so ends with an error that the
//! gateway's log explains.
//!
//! The crates that call themselves Velocity engines are experiments without upkeep or bounds, so this engine is our
//! own. It knows the directives `#set`, `#if`, `#foreach`, `#break` and `#stop`; macros, includes and `#evaluate`,
//! which no document of API Gateway names, are refused when the template is read.
//!
//! SOURCE: the VTL reference of Velocity 1.7; developer guide, "WebSocket API mapping template reference".

mod collections;
mod expression;
mod java;
mod machine;
mod names;
mod operator;
mod print;
mod read;
#[cfg(test)]
mod tests;
mod texts;
mod tree;
mod value;

use std::collections::BTreeMap;

use serde_json::Value;

use self::{machine::Machine, read::Reader, tree::Block};
use crate::gateway::data::message::bounded::Bounded;

/// Longest text that a template may produce, in bytes.
const OUTPUT_BYTES: usize = 1024 * 1024;
/// Bytes of texts, lists and maps that it may make on the way.
const WORK_BYTES: usize = 16 * 1024 * 1024;
/// Nodes, values and pieces of text that it may go through.
const STEPS: usize = 500_000;
/// SOURCE: API Gateway quotas: iterations of a `#foreach` loop in mapping templates, 1000.
const LOOPS: usize = 1000;
/// Blocks, parentheses, arguments and texts within each other.
const NESTING: usize = 40;

/// A template, read once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    block: Block,
}

/// The reason why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTemplate {
    #[error("the template cannot be read: line {line}: {what}")]
    Syntax { line: usize, what: String },
    #[error(
        "the template uses `#{0}`, which API Gateway does not document and the gateway does not know"
    )]
    Directive(String),
    #[error("the template has, or makes, things within things that are too deep")]
    TooDeep,
    #[error("the template would produce more than 1 MiB")]
    TooLong,
    #[error("the template does not come to an end within {STEPS} steps")]
    TooMuchWork,
    #[error("the template needs more than 16 MiB to work in")]
    TooMuchMemory,
    #[error("the template computes a number that is too large")]
    Number,
    #[error("the template does what cannot be done: {0}")]
    Call(String),
}

/// Names and values, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// The parameters that `$input.params()` gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    pub(crate) path: Pairs,
    pub(crate) querystring: Pairs,
    pub(crate) header: Pairs,
}

/// The scope of a template: the facts that it can refer to.
pub(crate) trait Scope {
    /// Returns the payload: the message, or in a response template the integration's answer.
    fn input(&self) -> &str;
    /// Returns the payload as JSON, if it is.
    fn input_json(&self) -> Option<&Value>;
    /// Returns a member of `$context`, by all of its name.
    fn context(&self, name: &str) -> Option<String>;
    /// Returns the stage's variables.
    fn stage_variables(&self) -> &BTreeMap<String, String>;
    /// Returns the handshake's parameters; there are none but at `$connect`.
    fn parameters(&self) -> Parameters;
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Template, BadTemplate> {
        let block = Reader::new(text, 0).template()?;
        Ok(Template { block })
    }

    /// Returns the text that the template produces.
    pub(crate) fn render(&self, scope: &dyn Scope) -> Result<String, BadTemplate> {
        let mut output = Bounded::new(OUTPUT_BYTES);
        Machine::new(scope).run(&self.block, &mut output)?;
        Ok(output.into_text())
    }
}
