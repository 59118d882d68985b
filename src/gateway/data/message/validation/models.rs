//! The models of a deployment: their schemas read once, and compiled once for all the routes that use them.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::Unfit;
use crate::gateway::{
    schema::{Misfit, Schema},
    store::record::ModelRecord,
};

/// The text before the id of an API, and the text between the id and a model's name, where a schema refers to another
/// model.
///
/// SOURCE: developer guide, "Data models": `https://apigateway.amazonaws.com/restapis/{id}/models/{name}`.
const BEFORE_API: &str = "https://apigateway.amazonaws.com/restapis/";
const BEFORE_NAME: &str = "/models/";

/// The schemas of a deployment, by the name of their model.
#[derive(Debug)]
struct Library(HashMap<String, Value>);

impl Library {
    /// Returns the name and the schema of the model at an address.
    // GUESS: whichever API the address names, its models are those of this deployment.
    fn document(&self, address: &str) -> Option<(&str, &Value)> {
        let (api, name) = address.strip_prefix(BEFORE_API)?.split_once(BEFORE_NAME)?;
        let (name, schema) = self.0.get_key_value(name)?;
        (!api.contains('/')).then_some((name, schema))
    }
}

/// The models of a deployment, of which those that are asked for are compiled.
pub(crate) struct Models<'r> {
    records: &'r [ModelRecord],
    library: Option<Library>,
    compiled: HashMap<String, Model>,
}

impl<'r> Models<'r> {
    pub(crate) fn new(records: &'r [ModelRecord]) -> Models<'r> {
        Models {
            records,
            library: None,
            compiled: HashMap::new(),
        }
    }

    /// Returns the model of this name, usable or not.
    pub(crate) fn get(&mut self, name: &str) -> Model {
        if let Some(model) = self.compiled.get(name) {
            return model.clone();
        }
        let records = self.records;
        let library = self.library.get_or_insert_with(|| read(records));
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
        let schema = serde_json::from_str(&record.schema).ok()?;
        Some((record.name.clone(), schema))
    });
    Library(schemas.collect())
}

/// GUESS: a schema that cannot be read, or is none of draft 4, lets no message pass, as one that is not there.
fn compile(library: &Library, name: &str) -> Result<Schema, String> {
    let schema = library.0.get(name);
    let schema = schema
        .filter(|schema| schema.is_object())
        .ok_or("there is no such model, or its schema is no JSON object")?;
    Schema::compile(schema, &|address| library.document(address)).map_err(|error| error.to_string())
}

/// A model, compiled. Clones are the same model.
#[derive(Debug, Clone)]
pub(crate) struct Model(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    name: String,
    usable: Result<Schema, String>,
}

impl Model {
    /// Checks that a message is what the model describes.
    pub(crate) fn check(&self, message: &Value) -> Result<(), Unfit> {
        let model = || self.0.name.clone();
        let schema = self.0.usable.as_ref().map_err(|reason| Unfit::Unusable {
            model: model(),
            reason: reason.clone(),
        })?;
        schema.check(message).map_err(|misfit| match misfit {
            Misfit::Broken(rule) => Unfit::Broken {
                model: model(),
                rule,
            },
            Misfit::TooMuch => Unfit::TooMuch { model: model() },
        })
    }
}
