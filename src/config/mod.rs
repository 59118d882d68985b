//! Settings and paths: defaults < file < environment < flags.
//!
//! The floor reads the settings file and the environment and creates the private directories of the program's own state.
//! The floor knows nothing of what the settings are for.

pub mod env;
mod error;
mod file;
mod paths;
mod settings;

pub use error::Error;
pub use paths::Paths;
pub use settings::{ColorChoice, GatewayApiKey, GatewayCredential, Overrides, Settings};
