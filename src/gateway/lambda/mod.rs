//! Lambda functions: those that run here, started from a command and fed through the Lambda Runtime API, and those that
//! any Invoke endpoint runs.
//!
//! This module knows functions, payloads and answers; what an event says, and what an answer means to a client, is the
//! data plane's. AWS's behaviour is in Lambda's developer guide ("Using the Lambda runtime API for custom runtimes")
//! and in the API reference of Invoke.

mod endpoint;
#[cfg(test)]
mod fixture;
mod invoke;
mod name;
mod output;
mod pool;
mod process;
mod process_failure;
mod runtime_api;
mod tail;
mod worker;

use std::{collections::HashMap, fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Uri;
use serde::de::IgnoredAny;
use tokio::sync::broadcast::Receiver;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::output::{FunctionLine, LineSource};
use self::{
    endpoint::Endpoint,
    output::Lines,
    pool::{Pool, Spec},
    process::FunctionCommand,
};
pub(crate) use self::{
    invoke::{answer as answer_invoke, is_invoke},
    name::FunctionName,
};
use super::access::Credential;

/// Longest payload of an invocation, in bytes. SOURCE: Lambda quotas, "Invocation payload": 6 MB.
pub(crate) const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;
/// The same where nobody waits for the answer. SOURCE: Lambda quotas: 1 MB since October 2025, 256 KB before that.
const LARGEST_EVENT: usize = 1024 * 1024;
/// Longest answer of a function, in bytes. SOURCE: the message of `Function.ResponseSizeTooLarge`.
const LARGEST_ANSWER: usize = LARGEST_PAYLOAD + 100;

/// The memory that a function that runs here is told it has; nothing holds it to that.
const MEMORY_MB: u32 = 128;

/// The functions that run here, and the endpoint of all others.
#[derive(Debug, Clone, PartialEq)]
pub struct LambdaOptions {
    /// The Invoke endpoint of the functions that do not run here.
    pub endpoint: Option<Uri>,
    /// The credential that signs the calls of that endpoint; without it they are not signed, which emulators do not
    /// mind.
    pub credential: Option<Credential>,
    /// The functions that run here.
    pub functions: Vec<LocalFunction>,
    /// The longest time that a function that runs here may take for an invocation.
    pub timeout: Duration,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            credential: None,
            functions: Vec::new(),
            // Longer than an integration ever waits, so that the integration's own limit is what shows.
            timeout: Duration::from_secs(30),
        }
    }
}

/// A function that runs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFunction {
    name: String,
    command: String,
}

/// The reason why a text names no function and its command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFunction {
    /// There is no name or no command.
    #[error("write NAME=COMMAND, for example chat='node chat.js'")]
    Form,
    /// The name is no function name.
    #[error(
        "\"{0}\" is no function name: up to 64 letters, digits, - and _, perhaps with :ALIAS behind it"
    )]
    Name(String),
}

impl LocalFunction {
    /// Reads `NAME=COMMAND`, where the name may have an alias behind it: `chat:live=…`. The command is a shell's.
    ///
    /// # Errors
    ///
    /// See [`BadFunction`].
    pub fn parse(text: &str) -> Result<LocalFunction, BadFunction> {
        let (name, command) = text.split_once('=').ok_or(BadFunction::Form)?;
        let (name, command) = (name.trim(), command.trim());
        if command.is_empty() {
            return Err(BadFunction::Form);
        }
        let parsed = FunctionName::parse(name).filter(FunctionName::is_short);
        let parsed = parsed.ok_or_else(|| BadFunction::Name(name.to_owned()))?;
        Ok(LocalFunction {
            name: parsed.key(),
            command: command.to_owned(),
        })
    }

    /// Returns the function's name, and its alias if it has one.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A call of a function.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) function: FunctionName,
    /// JSON.
    pub(crate) payload: Bytes,
    pub(crate) mode: Mode,
    /// The value of `X-Amzn-Trace-Id`, if there is a trace.
    pub(crate) trace_id: Option<String>,
}

/// The mode of an invocation: whether somebody waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `RequestResponse`.
    Wait,
    /// The same, and the end of the log is wanted too.
    WaitForLog,
    /// `Event`: the answer is empty and comes at once.
    Event,
}

/// The response to an invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InvocationResponse {
    /// Whatever the function sent; if it failed, an object with `errorMessage` and `errorType`.
    pub(crate) payload: Bytes,
    /// `X-Amz-Function-Error`: there if the function failed.
    pub(crate) function_error: Option<String>,
    /// The invocation's request id, if there is one.
    pub(crate) request_id: Option<String>,
    /// The version that ran, if it is known.
    pub(crate) version: Option<String>,
    /// The end of the function's log of this invocation, where it was asked for.
    pub(crate) log: Option<Bytes>,
}

impl InvocationResponse {
    fn new(payload: Bytes) -> InvocationResponse {
        InvocationResponse {
            payload,
            ..InvocationResponse::default()
        }
    }

    fn failed(payload: Bytes) -> InvocationResponse {
        InvocationResponse {
            // SOURCE: the runtime API's errors have been `Unhandled` ever since it replaced the older runtimes.
            function_error: Some("Unhandled".to_owned()),
            ..InvocationResponse::new(payload)
        }
    }
}

/// The reason why a function was not invoked, or why nothing is known of what it did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    /// No function has this ARN.
    #[error("Function not found: {arn}")]
    NotFound { arn: String },
    /// Too many invocations wait for the function.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The payload is longer than 1 MB, and nobody waits for the answer.
    #[error(
        "{0} byte payload is too large for the Event invocation type (limit {LARGEST_EVENT} bytes)"
    )]
    EventTooLarge(usize),
    /// The payload is longer than 6 MB.
    #[error(
        "Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation"
    )]
    TooLarge,
    /// The payload is no JSON.
    #[error("Could not parse request body into json: {0}")]
    NotJson(serde_json::Error),
    /// The endpoint refused.
    #[error("the Invoke endpoint answered {status} {kind}: {message}")]
    Refused {
        status: u16,
        kind: String,
        message: String,
    },
    /// The endpoint did not answer.
    #[error("the Invoke endpoint did not answer: {0}")]
    Unreachable(String),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopped,
}

/// All functions that can be invoked. Clones are the same functions.
#[derive(Clone)]
pub(crate) struct Functions {
    inner: Arc<Inner>,
}

struct Inner {
    local: HashMap<String, Arc<Pool>>,
    endpoint: Option<Endpoint>,
    lines: Lines,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for Functions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.inner.local.keys().collect();
        formatter.debug_tuple("Functions").field(&names).finish()
    }
}

impl Functions {
    /// Makes the functions of a gateway that listens at `gateway`. No process runs before the first invocation.
    pub(crate) fn new(options: &LambdaOptions, gateway: SocketAddr) -> Functions {
        let (lines, tasks, stop) = (Lines::new(), TaskTracker::new(), CancellationToken::new());
        let local = options.functions.iter().map(|function| {
            let spec = Spec {
                name: function.name.clone(),
                timeout: options.timeout,
            };
            let command = FunctionCommand {
                shell: function.command.clone(),
                gateway,
                lines: lines.clone(),
            };
            let run_process = move |new| process::run(command.clone(), new).boxed();
            let pool = Pool::new(spec, Box::new(run_process), tasks.clone(), stop.clone());
            (function.name.clone(), pool)
        });
        Functions {
            inner: Arc::new(Inner {
                local: local.collect(),
                endpoint: options
                    .endpoint
                    .as_ref()
                    .map(|uri| Endpoint::new(uri, options.credential.clone(), gateway)),
                lines,
                tasks,
                stop,
            }),
        }
    }

    /// True when the function runs here, or an Invoke endpoint may have it.
    pub(crate) fn knows(&self, function: &FunctionName) -> bool {
        self.inner.endpoint.is_some() || self.local(function).is_some()
    }

    /// Invokes a function and waits for its answer.
    ///
    /// A function that began goes on when nobody waits for it any more, as on Lambda.
    pub(crate) async fn invoke(
        &self,
        mut invocation: Invocation,
    ) -> Result<InvocationResponse, InvokeError> {
        if invocation.payload.len() > LARGEST_PAYLOAD {
            return Err(InvokeError::TooLarge);
        }
        if invocation.payload.is_empty() {
            // GUESS: nothing is an empty object.
            invocation.payload = Bytes::from_static(b"{}");
        }
        if invocation.mode == Mode::Event && invocation.payload.len() > LARGEST_EVENT {
            return Err(InvokeError::EventTooLarge(invocation.payload.len()));
        }
        serde_json::from_slice::<IgnoredAny>(&invocation.payload).map_err(InvokeError::NotJson)?;
        match (self.local(&invocation.function), &self.inner.endpoint) {
            (Some(pool), _) => pool.invoke(invocation).await,
            (None, Some(endpoint)) => endpoint.invoke(&invocation).await,
            (None, None) => Err(InvokeError::NotFound {
                arn: invocation.function.arn(),
            }),
        }
    }

    /// Follows the lines that the functions that run here print from now on, and the gateway's lines about their
    /// processes.
    pub(crate) fn lines(&self) -> Receiver<FunctionLine> {
        self.inner.lines.subscribe()
    }

    /// Ends all processes and waits until they are gone. What they were doing is not finished.
    pub(crate) async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Returns the function of exactly this version or alias, else the one that stands for all of them.
    fn local(&self, function: &FunctionName) -> Option<&Arc<Pool>> {
        let local = &self.inner.local;
        local
            .get(&function.key())
            .or_else(|| local.get(&function.name))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_a_name_and_a_command() {
        let parse = |text: &str| LocalFunction::parse(text).map(|it| (it.name, it.command));
        let said = |name: &str, command: &str| Ok((name.to_owned(), command.to_owned()));
        assert_eq!(parse("chat=node chat.js"), said("chat", "node chat.js"));
        assert_eq!(
            parse("chat:live = A=b sh -c x"),
            said("chat:live", "A=b sh -c x")
        );
        assert_eq!(parse("chat"), Err(BadFunction::Form));
        assert_eq!(parse("chat= "), Err(BadFunction::Form));
        for name in [
            "",
            "a b",
            "arn:aws:lambda:us-east-1:000000000000:function:a",
        ] {
            let text = format!("{name}=x");
            assert_eq!(parse(&text), Err(BadFunction::Name(name.to_owned())));
        }
    }

    fn functions(texts: &[&str]) -> Functions {
        let options = LambdaOptions {
            functions: texts
                .iter()
                .map(|text| LocalFunction::parse(text).unwrap())
                .collect(),
            ..LambdaOptions::default()
        };
        Functions::new(&options, SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    fn invocation(function: &str, payload: impl Into<Bytes>) -> Invocation {
        Invocation {
            function: FunctionName::parse(function).unwrap(),
            payload: payload.into(),
            mode: Mode::Wait,
            trace_id: None,
        }
    }

    #[tokio::test]
    async fn what_cannot_be_invoked_is_refused_in_lambdas_words() {
        let functions = functions(&["chat=true"]);
        let refused = async |function: &str, payload: Bytes| {
            let outcome = functions.invoke(invocation(function, payload)).await;
            outcome.unwrap_err().to_string()
        };
        assert_eq!(
            refused("talk:live", "{}".into()).await,
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:talk:live"
        );
        assert!(
            refused("chat", vec![b' '; LARGEST_PAYLOAD + 1].into())
                .await
                .contains("smaller than 6291456 bytes")
        );
        assert!(
            refused("chat", "{".into())
                .await
                .starts_with("Could not parse request body into json: ")
        );
    }

    #[tokio::test]
    async fn an_alias_may_have_a_command_of_its_own() {
        let functions = functions(&["chat=echo one", "chat:live=echo two"]);
        for (name, prints) in [
            ("chat", "one"),
            ("chat:$LATEST", "one"),
            ("chat:test", "one"),
            ("chat:live", "two"),
        ] {
            let mut lines = functions.lines();
            // It fails, for the command asks for no work; by then all that it printed has come.
            let outcome = functions.invoke(invocation(name, "{}")).await;
            assert!(outcome.unwrap().function_error.is_some(), "{name}");
            assert_eq!(lines.try_recv().unwrap().text, prints, "{name}");
        }
        let unknown = FunctionName::parse("other").unwrap();
        assert!(!functions.knows(&unknown));
        functions.stop().await;
    }
}
