//! The models of a deployment: their schemas read once, and compiled once for all the routes that use them.

use std::{collections::HashMap, error::Error, sync::Arc};

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value;

use super::{
    Unfit,
    extent::{self, Extent},
};
use crate::gateway::store::record::ModelRecord;

/// What stands before the id of an API, and what between it and a model's name, where a schema refers to another model.
///
/// SOURCE: developer guide, "Data models": `https://apigateway.amazonaws.com/restapis/{id}/models/{name}`.
const BEFORE_API: &str = "https://apigateway.amazonaws.com/restapis/";
const BEFORE_NAME: &str = "/models/";

/// Bytes that a compiled pattern may take, and as many for its cache.
const PATTERN_BYTES: usize = 1024 * 1024;
/// Bytes that all patterns of a model may take together.
const PATTERNS_BYTES: usize = 16 * 1024 * 1024;
/// Steps back that a pattern with look-around may take for one text.
const PATTERN_STEPS: usize = 10_000;
/// Work of a schema, times bytes of a message.
const MOST_WORK: u64 = 100_000_000;
/// Steps of a schema, times depth of a message. The validator calls itself for each.
const MOST_STEPS: u32 = 1024;

/// The schemas of a deployment, by the name of their model.
#[derive(Debug)]
pub(super) struct Library(HashMap<String, Value>);

impl Library {
    pub(super) fn schema(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The schema at an address. GUESS: whichever API the address names, its models are those of this deployment.
    pub(super) fn document(&self, address: &str) -> Option<&Value> {
        let (api, name) = address.strip_prefix(BEFORE_API)?.split_once(BEFORE_NAME)?;
        (!api.contains('/')).then(|| self.schema(name))?
    }
}

/// Gives the validator other models, and nothing else.
struct Shelf(Arc<Library>);

impl Retrieve for Shelf {
    fn retrieve(&self, address: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let schema = self.0.document(address.as_str());
        schema
            .cloned()
            .ok_or_else(|| "no model of this deployment".into())
    }
}

/// The models of a deployment, of which those that are asked for are compiled.
pub(in super::super) struct Models<'r> {
    records: &'r [ModelRecord],
    library: Option<Arc<Library>>,
    compiled: HashMap<String, Model>,
}

impl<'r> Models<'r> {
    pub(in super::super) fn new(records: &'r [ModelRecord]) -> Models<'r> {
        Models {
            records,
            library: None,
            compiled: HashMap::new(),
        }
    }

    /// The model of this name, usable or not.
    pub(super) fn get(&mut self, name: &str) -> Model {
        if let Some(model) = self.compiled.get(name) {
            return model.clone();
        }
        let records = self.records;
        let library = self.library.get_or_insert_with(|| Arc::new(read(records)));
        let usable = compile(library, name);
        if let Err(reason) = &usable {
            tracing::warn!(model = name, reason, "a model can be used for no message");
        }
        let model = Model(Arc::new(Compiled {
            name: name.to_owned(),
            usable,
        }));
        self.compiled.insert(name.to_owned(), model.clone());
        model
    }
}

fn read(records: &[ModelRecord]) -> Library {
    let schemas = records.iter().filter_map(|record| {
        let mut schema: Value = serde_json::from_str(&record.schema).ok()?;
        extent::strip(&mut schema);
        Some((record.name.clone(), schema))
    });
    Library(schemas.collect())
}

/// GUESS: a schema that cannot be read, or is none of draft 4, lets no message pass, as one that is not there.
fn compile(library: &Arc<Library>, name: &str) -> Result<Usable, String> {
    let schema = library
        .schema(name)
        .filter(|schema| schema.is_object())
        .ok_or("there is no such model, or its schema is no JSON object")?;
    let extent = extent::of(library, name).map_err(|error| error.to_string())?;
    let pattern_bytes = PATTERN_BYTES.min(PATTERNS_BYTES / extent.patterns.max(1));
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(PATTERN_STEPS)
        .size_limit(pattern_bytes)
        .dfa_size_limit(pattern_bytes);
    let validator = jsonschema::options()
        .with_draft(Draft::Draft4)
        .with_base_uri(format!("{BEFORE_API}this{BEFORE_NAME}{name}"))
        .with_retriever(Shelf(Arc::clone(library)))
        .with_pattern_options(patterns)
        // GUESS: the formats that draft 4 defines are checked, as its validators do.
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| format!("its schema is wrong at {}: {error}", error.instance_path()))?;
    Ok(Usable { validator, extent })
}

/// A model, compiled. Clones are the same model.
#[derive(Debug, Clone)]
pub(super) struct Model(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    name: String,
    usable: Result<Usable, String>,
}

#[derive(Debug)]
struct Usable {
    validator: Validator,
    extent: Extent,
}

impl Model {
    /// Whether a message of so many bytes is what the model describes.
    pub(super) fn check(&self, message: &Value, bytes: usize) -> Result<(), Unfit> {
        let model = || self.0.name.clone();
        let Usable { validator, extent } = match &self.0.usable {
            Ok(usable) => usable,
            Err(reason) => {
                return Err(Unfit::Unusable {
                    model: model(),
                    reason: reason.clone(),
                });
            }
        };
        if extent.exceeds(message, bytes) {
            return Err(Unfit::TooMuch { model: model() });
        }
        if validator.is_valid(message) {
            return Ok(());
        }
        // The search for the rule remembers nothing, and would walk a recursive schema again and again.
        let error = (!extent.is_recursive).then(|| validator.validate(message));
        let error = error.and_then(Result::err);
        Err(Unfit::Broken {
            model: model(),
            rule: error.map(|error| error.schema_path().to_string()),
        })
    }
}

impl Extent {
    /// Whether a message is too long, or too deep, to be held to the schema.
    fn exceeds(self, message: &Value, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        bytes.saturating_mul(u64::from(self.work)) > MOST_WORK
            || self.is_recursive && self.steps.saturating_mul(depth(message)) > MOST_STEPS
    }
}

/// How deep a value is; the reader of messages has bounded it.
fn depth(value: &Value) -> u32 {
    let below = match value {
        Value::Array(elements) => elements.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}
