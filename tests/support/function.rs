//! A Lambda function for tests: the test binary, started once more, speaks the Runtime API with nothing but the standard
//! library and does what its event tells it to.
//!
//! What an event may ask for stands in `do`: of the event itself, of its body, or of its query string.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Map, Value, json};

/// Names the test that plays the function.
const ENTRY: &str = "lambda::plays_a_function_when_it_is_started_as_one";
const PREFIX: &str = "/2018-06-01/runtime";
/// One byte more than a function may answer.
const TOO_MUCH: usize = 6 * 1024 * 1024 + 100 + 1;

/// The command that starts the function; `settings` are variables of the environment, such as `WITNESS=127.0.0.1:1`.
pub(crate) fn command(settings: &str) -> String {
    let binary = std::env::current_exe().unwrap();
    let binary = binary.to_str().unwrap();
    format!("{settings} exec '{binary}' --exact {ENTRY} --nocapture")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a function's settings are variables of its environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::print_stdout, reason = "a function may print")]
fn print(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "a function may print")]
fn complain(line: &str) {
    eprintln!("{line}");
}

/// Plays the function, if this process was started as one; then it ends with the process.
pub(crate) fn play() {
    let Some(runtime_api) = variable("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    print("ready to serve");
    if let Some(payload) = variable("INIT_ERROR") {
        let answer = call(&runtime_api, "POST", "/init/error", &payload);
        assert_eq!(answer.status, 202);
        return;
    }
    loop {
        let next = call(&runtime_api, "GET", "/invocation/next", "");
        assert_eq!(next.status, 200, "{}", next.body);
        Invocation {
            runtime_api: &runtime_api,
            next,
        }
        .handle();
    }
}

struct Invocation<'r> {
    runtime_api: &'r str,
    next: Reply,
}

impl Invocation<'_> {
    fn handle(&self) {
        let event: Value = serde_json::from_str(&self.next.body).unwrap();
        bear_witness(&event);
        let told = told(&event);
        let path = |what| {
            let id = &self.next.headers["lambda-runtime-aws-request-id"];
            format!("/invocation/{id}/{what}")
        };
        let post = |what, body: &str| {
            let reply = call(self.runtime_api, "POST", &path(what), body);
            (reply.status, reply.body)
        };
        if let Some(answer) = variable("ANSWER") {
            post("response", &answer);
            return;
        }
        match told["do"].as_str().unwrap_or("echo") {
            "throw" => {
                let message = told["what"].as_str().unwrap_or("boom");
                let error =
                    json!({ "errorMessage": message, "errorType": "Error", "stackTrace": [] });
                assert_eq!(post("error", &error.to_string()).0, 202);
            }
            "fall" => panic!("told to"),
            "hang" => loop {
                std::thread::park();
            },
            "wait" => {
                let mut gate = TcpStream::connect(told["at"].as_str().unwrap()).unwrap();
                let opened = gate.read(&mut [0]).unwrap();
                assert_eq!(opened, 1);
                post("response", &self.echo(&event));
            }
            "print" => {
                print("to stdout");
                complain("to stderr");
                post("response", "null");
            }
            "say" => {
                post("response", told["what"].as_str().unwrap());
            }
            "garble" => {
                let mut stream = TcpStream::connect(self.runtime_api).unwrap();
                stream.write_all(b"this is no HTTP\r\n\r\n").unwrap();
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).unwrap();
                post("response", &self.echo(&event));
            }
            "too much" => {
                let (status, body) = post("response", &"x".repeat(TOO_MUCH));
                assert_eq!(status, 413, "{body}");
                assert!(body.contains("RequestEntityTooLarge"), "{body}");
            }
            "much" => {
                let text = "x".repeat(TOO_MUCH - 3);
                assert_eq!(post("response", &format!("\"{text}\"")).0, 202);
            }
            "probe" => {
                let seen = self.probe(&path("response"));
                post("response", &seen.to_string());
            }
            _ => {
                post("response", &self.echo(&event));
            }
        }
    }

    /// All that the function was told; as the body of a reply if the event is one of a WebSocket API.
    fn echo(&self, event: &Value) -> String {
        let environment: Map<String, Value> = [
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_REGION",
            "STAGEWIRE_GATEWAY",
            "_HANDLER",
            "AWS_EXECUTION_ENV",
        ]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), json!(variable(name)?))))
        .collect();
        let told = told(event);
        let is_of_api = event.get("requestContext").is_some();
        let seen = json!({
            "event": event,
            "headers": self.next.headers,
            "environment": environment,
            "pid": std::process::id(),
        });
        if !is_of_api {
            return seen.to_string();
        }
        let status = told["status"]
            .as_str()
            .and_then(|status| status.parse().ok());
        let reply = json!({ "statusCode": status.unwrap_or(200_u16), "body": seen.to_string() });
        reply.to_string()
    }

    /// What the Runtime API says to what a runtime must not do.
    fn probe(&self, own_path: &str) -> Value {
        let seen = |method, path: &str, extra| {
            let path = path.replace("/invocation", &format!("{PREFIX}/invocation"));
            let reply = request(self.runtime_api, method, &path, extra, "{}");
            json!([
                reply.status,
                serde_json::from_str(&reply.body).unwrap_or(Value::Null)
            ])
        };
        json!({
            "next": seen("GET", "/invocation/next", ""),
            "wrong id": seen("POST", "/invocation/1-2-3/response", ""),
            "wrong id of an error": seen("POST", "/invocation/1-2-3/error", ""),
            "late": seen("POST", &format!("{PREFIX}/init/error"), ""),
            "unknown": seen("GET", "/2018-06-01/other", ""),
            "method": seen("GET", own_path, ""),
            "page": seen("POST", own_path, "Origin: http://example.com\r\n"),
        })
    }
}

/// What the event asks for.
fn told(event: &Value) -> Value {
    let body = event["body"]
        .as_str()
        .and_then(|body| serde_json::from_str(body).ok());
    let candidates = [
        Some(event.clone()),
        body,
        event.get("queryStringParameters").cloned(),
    ];
    let told = candidates
        .into_iter()
        .flatten()
        .find(|it| it.get("do").is_some());
    told.unwrap_or_default()
}

/// Tells the test of an event, and stays in touch with it for as long as the process lives.
fn bear_witness(event: &Value) {
    if let Some(address) = variable("WITNESS") {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{event}\n").as_bytes()).unwrap();
        std::mem::forget(stream);
    }
}

struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

fn call(address: &str, method: &str, path: &str, body: &str) -> Reply {
    request(address, method, &format!("{PREFIX}{path}"), "", body)
}

fn request(address: &str, method: &str, path: &str, extra: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{extra}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    };
    Reply {
        status: status.parse().unwrap(),
        headers: lines.filter_map(header).collect(),
        body: body.to_owned(),
    }
}
