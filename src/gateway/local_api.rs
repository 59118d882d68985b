//! The gateway's own API, below `/_stagewire/`: the open connections, the access logs of stages, the faults, the
//! strictness, and the time scale. AWS has nothing like it, so nothing here pretends to be AWS's; it is for people and
//! tests.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use http_body_util::Full;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    LONGEST_CONSISTENCY, LONGEST_LATENCY, Strictness, TIME_SCALES,
    data::{Connection, Plane, access_log_format},
    fault::{Fault, Faults},
    query,
    reply::{self, refusal},
    strict::Strict,
};

/// The path that the API begins with.
pub(super) const PREFIX: &str = "/_stagewire";

/// Answers a call. The body has been read whole.
pub(super) fn answer(
    plane: &Plane,
    faults: &Faults,
    head: &Parts,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let read = head.method == Method::GET;
    match path.trim_end_matches('/') {
        "" if read => index(),
        "/health" if read => ok(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })),
        "/connections" if read => connections(plane, head.uri.query().unwrap_or_default()),
        "/access-log" if read => access_log(plane, head.uri.query().unwrap_or_default()),
        "/faults" => of_faults(faults, &head.method, body),
        "/strictness" => of_strictness(&plane.strict, &head.method, body),
        "/time-scale" => of_time_scale(plane, &head.method, body),
        "" | "/health" | "/connections" | "/access-log" => wrong_method(&head.method),
        _ => refusal(
            StatusCode::NOT_FOUND,
            "NotFoundException",
            "There is nothing here; GET /_stagewire/ says what there is",
        ),
    }
}

fn ok(value: &Value) -> Response<Full<Bytes>> {
    reply::json(StatusCode::OK, value.to_string())
}

fn bad_request(message: &str) -> Response<Full<Bytes>> {
    refusal(StatusCode::BAD_REQUEST, "BadRequestException", message)
}

fn wrong_method(method: &Method) -> Response<Full<Bytes>> {
    let message = format!("{method} means nothing here");
    refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "BadRequestException",
        &message,
    )
}

fn index() -> Response<Full<Bytes>> {
    ok(&json!({
        "GET /_stagewire/health": "says that the gateway runs",
        "GET /_stagewire/connections": "lists the open connections; ?apiId= and &stage= narrow it",
        "GET /_stagewire/access-log": "gives the last lines of a stage's access log as text, newest last: ?apiId= and &stage= name \
            it; there are some once the stage has accessLogSettings with a format",
        "GET /_stagewire/faults": "lists the faults that wait for their calls",
        "POST /_stagewire/faults": "lets the next calls of an operation go wrong: {\"operation\": \"CreateDeployment\", \
            \"times\": 1, \"status\": 429} or \"delayInMillis\" or \"drop\": \"request\" or \"answer\"; operation * is all",
        "DELETE /_stagewire/faults": "forgets all faults",
        "GET /_stagewire/strictness": "says how strict the gateway is where AWS makes its callers wait",
        "PUT /_stagewire/strictness": "changes what the body names: {\"awsRates\": true, \"latencyInMillis\": 150, \
            \"consistencyInMillis\": 60000} refuses control calls that come faster than AWS takes them, lets each take that \
            long, and lets a stage settle for that long after it was moved; false and 0 are off",
        "GET /_stagewire/time-scale": "says how many times faster than on AWS time passes, for the limits of connections and the strictness",
        "PUT /_stagewire/time-scale": "changes it, for open connections too: {\"timeScale\": 60}",
    }))
}

fn access_log(plane: &Plane, query: &str) -> Response<Full<Bytes>> {
    let (Some(api_id), Some(stage)) = (query::value(query, "apiId"), query::value(query, "stage"))
    else {
        return bad_request("say which stage's: ?apiId=…&stage=…");
    };
    let not_found = |message| refusal(StatusCode::NOT_FOUND, "NotFoundException", message);
    let Ok(serving) = plane.store.serving(api_id, stage) else {
        return not_found("there is no such stage");
    };
    let lines = plane.access_logs.read(api_id, stage);
    if lines.is_empty() && access_log_format(&serving.stage).is_none() {
        return not_found("the stage has no access log; give it accessLogSettings with a format");
    }
    reply::text(StatusCode::OK, lines)
}

fn connections(plane: &Plane, query: &str) -> Response<Full<Bytes>> {
    let (api_id, stage) = (query::value(query, "apiId"), query::value(query, "stage"));
    let mut found = plane.registry.list(|connection| {
        api_id.is_none_or(|api_id| connection.api_id == api_id)
            && stage.is_none_or(|stage| connection.stage == stage)
    });
    found.sort_by(|one, other| (one.connected_at, &one.id).cmp(&(other.connected_at, &other.id)));
    let items: Vec<Value> = found
        .iter()
        .map(|connection| described(connection))
        .collect();
    ok(&json!({ "items": items }))
}

fn described(connection: &Connection) -> Value {
    json!({
        "apiId": connection.api_id,
        "stage": connection.stage,
        "connectionId": connection.id,
        "connectedAt": milliseconds(connection.connected_at),
        "lastActiveAt": milliseconds(connection.last_active()),
        "sourceIp": connection.source_ip,
        "userAgent": connection.user_agent,
        "messagesSent": connection.traffic.sent(),
        "messagesReceived": connection.traffic.received(),
    })
}

fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Reads a body. A list would do for a struct too, and mean nothing to whoever reads it.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, String> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err("the body must be a JSON object; GET /_stagewire/ shows one".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn of_faults(faults: &Faults, method: &Method, body: &Bytes) -> Response<Full<Bytes>> {
    match *method {
        Method::GET => ok(&json!({ "items": faults.list() })),
        Method::POST => match read::<Fault>(body) {
            Err(error) => bad_request(&error),
            Ok(fault) => match faults.add(fault) {
                Ok(()) => reply::json(
                    StatusCode::CREATED,
                    json!({ "items": faults.list() }).to_string(),
                ),
                Err(error) => bad_request(&error.to_string()),
            },
        },
        Method::DELETE => {
            faults.clear();
            reply::empty(StatusCode::NO_CONTENT)
        }
        _ => wrong_method(method),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimeScaleChange {
    time_scale: f64,
}

fn of_time_scale(plane: &Plane, method: &Method, body: &Bytes) -> Response<Full<Bytes>> {
    match *method {
        Method::GET => {}
        Method::PUT => match read::<TimeScaleChange>(body) {
            Err(error) => return bad_request(&error),
            Ok(wanted) if !TIME_SCALES.contains(&wanted.time_scale) => {
                let (least, most) = TIME_SCALES.into_inner();
                return bad_request(&format!("timeScale must be from {least} to {most}"));
            }
            Ok(wanted) => plane.scale_time(wanted.time_scale),
        },
        _ => return wrong_method(method),
    }
    ok(&json!({ "timeScale": plane.time_scale() }))
}

/// The members of the strictness that are to change; the rest stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StrictnessChange {
    aws_rates: Option<bool>,
    latency_in_millis: Option<u64>,
    consistency_in_millis: Option<u64>,
}

impl StrictnessChange {
    fn apply(&self, now: Strictness) -> Result<Strictness, String> {
        if let StrictnessChange {
            aws_rates: None,
            latency_in_millis: None,
            consistency_in_millis: None,
        } = self
        {
            return Err("name awsRates, latencyInMillis or consistencyInMillis".to_owned());
        }
        Ok(Strictness {
            aws_rates: self.aws_rates.unwrap_or(now.aws_rates),
            latency: match self.latency_in_millis {
                Some(latency) => bounded("latencyInMillis", latency, LONGEST_LATENCY)?,
                None => now.latency,
            },
            consistency: match self.consistency_in_millis {
                Some(time) => bounded("consistencyInMillis", time, LONGEST_CONSISTENCY)?,
                None => now.consistency,
            },
        })
    }
}

/// Returns the time, or refuses one that is longer than `longest`.
fn bounded(name: &str, time_ms: u64, longest: Duration) -> Result<Duration, String> {
    let time = Duration::from_millis(time_ms);
    if time > longest {
        return Err(format!("{name} must be at most {}", longest.as_millis()));
    }
    Ok(time)
}

fn of_strictness(strict: &Strict, method: &Method, body: &Bytes) -> Response<Full<Bytes>> {
    match *method {
        Method::GET => {}
        Method::PUT => {
            let wanted = read::<StrictnessChange>(body);
            match wanted.and_then(|wanted| strict.change(|now| wanted.apply(now))) {
                Ok(()) => {}
                Err(error) => return bad_request(&error),
            }
        }
        _ => return wrong_method(method),
    }
    let now = strict.get();
    ok(&json!({
        "awsRates": now.aws_rates,
        "latencyInMillis": milliseconds_of(now.latency),
        "consistencyInMillis": milliseconds_of(now.consistency),
    }))
}

fn milliseconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
