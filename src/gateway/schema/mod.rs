//! JSON Schema of draft 4: whether a text is a schema, and whether a message is what one describes.
//!
//! SOURCE: JSON Schema, draft 4: core and validation (draft-zyp-json-schema-04, draft-fge-json-schema-validation-00).
//!
//! A schema is compiled once, into a list of nodes that name each other by number, and a message is judged in one pass
//! over it that also tells the first broken rule. Schemas and messages both come from strangers: each node that a value
//! meets is a step, texts, lists and patterns count by their size, and a message that would take more steps than
//! a budget grants is not judged at all. No combination of the two can hold the gateway up or exhaust its stack.
//!
//! Nothing is fetched: a reference leads to the same document, or to one that the caller has. An `id` names nothing.

mod budget;
mod check;
mod compile;
mod equal;
mod format;
mod keyword;
pub(crate) mod meta;
mod number;
mod pattern;
mod rule;
mod script;

pub(crate) use self::{check::Misfit, compile::Schema};
