//! Events of links, for the verbs that use a link: messages put together from frames, and ends as sentences.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    args::{Address, StagePath, WhereArgs},
    output::{self, Output},
    start::Session,
    unsettled::{PatientLink, Unsettled},
    url,
};
use crate::{
    aws::{self, Control, Signer},
    console,
    model::{
        Api, ConnectRequest, Definition, Direction, Failure, FailureKind, FrameRecord, LinkEvent,
        Signing, Stage,
        explain::{
            self, Basis, CloseFacts, ConnectRoute, Exchange, Explanation, Handshake, Lack,
            LastMessage, Place, Sent, Server, Standing,
        },
        gateway_response::GatewayResponse,
        link::{Closed, LinkStep, Opened, Refusal},
        text,
    },
    ops::{Journal, reading},
};

/// Longest part of a refusal's body that a failure quotes, in characters.
const QUOTED_CHARS: usize = 300;

/// A request for an address, and what to call the address.
pub(super) struct Destination {
    /// The request with its signature, where it has one.
    pub(super) request: ConnectRequest,
    pub(super) signing: Signing,
    /// The stage that it leads to; none of a URL, of which nobody asked the control plane.
    found: Option<FoundStage>,
    /// None where a refusal means what it says.
    unsettled: Option<Unsettled>,
}

impl Destination {
    /// Sets out to it, once.
    pub(super) fn open(&mut self, output: Output) -> PatientLink {
        PatientLink::open(self.request.clone(), self.unsettled.take(), output)
    }

    /// Returns the words for what the peer agreed to, where nothing is too little.
    pub(super) fn lacks_subprotocol(&self, opened: &Opened) -> Option<String> {
        explain::no_subprotocol(
            &self.request.subprotocols,
            opened.subprotocol.as_deref(),
            self.server(),
        )
    }

    fn server(&self) -> Server {
        match self.found {
            Some(_) => Server::Stage,
            None => Server::at(&self.request.url),
        }
    }

    fn handshake(&self) -> Handshake<'_> {
        Handshake {
            url: &self.request.url,
            signing: self.signing,
            place: self.found.as_ref().map(FoundStage::place),
        }
    }
}

impl FoundStage {
    fn place(&self) -> Place<'_> {
        Place {
            stage: &self.stage.name,
            standing: Standing::Found(&self.stage),
            disabled_by: Basis::of_disabled(self.served.as_deref(), &self.api),
            connect: self.connect.clone(),
        }
    }
}

/// Finds the destination that the arguments name; a stage is looked up, and must exist.
pub(super) async fn destination(
    session: &Session,
    args: &WhereArgs,
    output: Output,
) -> Result<Destination, Failure> {
    let found = looked_up(session, args, output).await?;
    if let Some(unknown) = &found.unknown {
        output::warn(&format!(
            "the handshake is not signed, for nothing says whether $connect asks for that: {unknown}"
        ));
    }
    let request = ConnectRequest {
        url: found.url,
        headers: args.header.clone(),
        subprotocols: args.subprotocol.clone(),
    };
    let signing = if args.sign {
        Signing::Signed
    } else {
        found.signing
    };
    let signer = match &found.control {
        Some(control) if signing == Signing::Signed => {
            Some(console::handshake_signer(&session.settings, control)?)
        }
        _ => None,
    };
    let settles = found.control.as_ref().is_some_and(Control::settles);
    let stage = found.stage.as_ref().filter(|_| settles);
    let unsettled = stage.and_then(|found| Unsettled::of(&found.stage, &request, signer.as_ref()));
    Ok(Destination {
        request: sign(request, signer).await?,
        signing,
        found: found.stage,
        unsettled,
    })
}

async fn looked_up(session: &Session, args: &WhereArgs, output: Output) -> Result<Found, Failure> {
    match &args.address {
        Address::Url(url) if args.sign => {
            let connecting = Box::pin(session.control());
            let control = session.patiently(output, connecting).await?;
            Ok(Found {
                control: Some(control),
                ..Found::url(url)
            })
        }
        Address::Url(url) => Ok(Found::url(url)),
        Address::Stage(stage) => {
            let finding = async |control| find(session, control, args, stage).await;
            Box::pin(session.watch(output, finding)).await
        }
    }
}

async fn sign(request: ConnectRequest, signer: Option<Signer>) -> Result<ConnectRequest, Failure> {
    match signer {
        Some(signer) => {
            let signed = signer.sign(request).await;
            signed.map_err(|error| error.failure("Cannot sign the handshake"))
        }
        None => Ok(request),
    }
}

/// A stage that the control plane knows.
struct FoundStage {
    api: Api,
    stage: Stage,
    /// The definition that it serves, where the journal knows it.
    served: Option<Arc<Definition>>,
    /// None where it could not be read.
    connect: Option<ConnectRoute>,
}

/// An address, as far as it is known.
struct Found {
    url: String,
    stage: Option<FoundStage>,
    /// None where nobody needs it.
    control: Option<Control>,
    /// The signing that the stage asks for; unsigned too where nobody looked or can tell.
    signing: Signing,
    /// The reason why nobody can tell whether clients must sign.
    unknown: Option<aws::Error>,
}

impl Found {
    fn url(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            stage: None,
            control: None,
            signing: Signing::Unsigned,
            unknown: None,
        }
    }
}

/// Looks the stage up, and whether its clients must sign. Not to know that is no reason not to connect.
async fn find(
    session: &Session,
    control: Control,
    args: &WhereArgs,
    address: &StagePath,
) -> Result<Found, Failure> {
    let (api, stage) = url::find_stage(&control, &address.api, &address.stage).await?;
    // Whoever brings an authorization knows what the route asks for, and whoever wants to sign need not know it.
    let is_authorization =
        |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    let has_authorization = args.header.iter().any(is_authorization);
    let journal = Journal::new(session.paths.journal());
    let reading = reading::connect_route(&control, &journal, &api, &stage);
    let (served, connect, unknown) = match Box::pin(reading).await {
        Ok((connect, served)) => (served, Some(connect), None),
        Err(_) if args.sign || has_authorization => (None, None, None),
        Err(error) => (None, None, Some(error)),
    };
    let signing = match &connect {
        Some(connect) if connect.is_signed() && !has_authorization => Signing::Signed,
        _ => Signing::Unsigned,
    };
    Ok(Found {
        url: api.invoke_url(&stage.name),
        stage: Some(FoundStage {
            api,
            stage,
            served,
            connect,
        }),
        control: Some(control),
        signing,
        unknown,
    })
}

/// A frame of the gateway's own, and what it means.
pub(super) struct OwnFrame {
    pub(super) response: GatewayResponse,
    pub(super) explanation: Explanation,
}

impl OwnFrame {
    /// Returns the frame as JSON, and what it means.
    pub(super) fn json(&self) -> Value {
        json!({
            "message": self.response.message,
            "connectionId": self.response.connection_id,
            "requestId": self.response.request_id,
            "meaning": self.explanation.text,
        })
    }

    /// Returns the frame's words and their meaning in a line.
    pub(super) fn warning(&self) -> String {
        format!(
            "the gateway itself answered \"{}\": {}",
            text::printable(&self.response.message),
            self.explanation.text
        )
    }
}

/// The facts of a connection that explain its end and the gateway's own frames.
#[derive(Debug)]
pub(super) struct Facts {
    url: String,
    server: Server,
    signing: Signing,
    /// The definition that the stage serves, where it is known.
    served: Option<Arc<Definition>>,
    opened_at: Option<Timestamp>,
    last_message_at: Option<Timestamp>,
    sent: Sent,
    exchange: Exchange,
}

impl Facts {
    /// Nothing learned yet of a connection to there.
    pub(super) fn new(to: &Destination) -> Self {
        Self {
            url: to.request.url.clone(),
            server: to.server(),
            signing: to.signing,
            served: to.found.as_ref().and_then(|found| found.served.clone()),
            opened_at: None,
            last_message_at: None,
            sent: Sent::default(),
            exchange: Exchange::default(),
        }
    }

    /// Learns from an event, but for frames, which [`Facts::look_at`] takes.
    pub(super) fn learn(&mut self, event: &LinkEvent) {
        if let LinkEvent::Open(opened) = event {
            self.opened_at = Some(opened.at);
            self.last_message_at = Some(opened.at);
        }
        if matches!(event, LinkEvent::Frames(frames) if frames.dropped > 0) {
            // A message may be among them.
            self.exchange = Exchange::default();
        }
    }

    /// Learns from a frame; explains it where it is the last of a message of the gateway's own.
    pub(super) fn look_at(&mut self, record: &FrameRecord) -> Option<OwnFrame> {
        if !record.opcode.is_control() {
            self.last_message_at = Some(record.at);
        }
        if record.direction == Direction::Out {
            self.sent.count(record);
        }
        let own = self.exchange.take(record)?;
        // Nobody else has such frames.
        self.server = Server::Stage;
        let last = LastMessage {
            payload: own.last_sent.as_deref(),
            url: &self.url,
            signing: self.signing,
            served: self.served.as_deref(),
            draft: None,
        };
        Some(OwnFrame {
            explanation: explain::error_frame(&own.response, &last),
            response: own.response,
        })
    }

    fn close(&self, closed: &Closed) -> Explanation {
        let since = |at: Option<Timestamp>| {
            at.map(|at| closed.at.duration_since(at))
                .unwrap_or_default()
        };
        explain::close(
            closed,
            &CloseFacts {
                server: self.server,
                idle: since(self.last_message_at),
                age: since(self.opened_at),
                sent: self.sent,
            },
        )
    }

    /// The end as a failure; none when the connection ended in good order.
    pub(super) fn failure(&self, end: &LinkEvent, to: &Destination) -> Option<Failure> {
        let url = &to.request.url;
        match end {
            LinkEvent::Refused(refusal) => Some(refused(refusal, to)),
            LinkEvent::Failed(failed) => {
                let title = match failed.step {
                    LinkStep::Open => format!("The connection to {url} was lost"),
                    LinkStep::Rule(code) => {
                        format!("The connection to {url} was ended with {code}, by this side")
                    }
                    _ => format!("Cannot connect to {url}"),
                };
                let kind = match failed.step {
                    LinkStep::Request => FailureKind::User,
                    _ => FailureKind::Remote,
                };
                let mut failure = Failure::new(kind, title);
                failure.causes.clone_from(&failed.causes);
                Some(match next_step(&failed.step, to.server()) {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                })
            }
            LinkEvent::Closed(closed) if !closed.by_us && !is_orderly(closed.code) => {
                Some(failure(
                    &format!("The connection to {url} was closed"),
                    &self.close(closed),
                ))
            }
            _ => None,
        }
    }

    /// The close in one line.
    pub(super) fn close_text(&self, closed: &Closed) -> String {
        let explanation = self.close(closed);
        format!("{}. {}", explanation.title, explanation.text)
    }
}

fn refused(refusal: &Refusal, to: &Destination) -> Failure {
    let handshake = to.handshake();
    let explanation = explain::refusal(refusal, &handshake);
    let title = format!("Cannot connect to {}", to.request.url);
    let mut failure = failure(&title, &explanation);
    let body: String = text::printable_bytes(&refusal.body)
        .chars()
        .take(QUOTED_CHARS)
        .collect();
    if !body.is_empty() {
        failure = failure.cause(format!("it answered: {body}"));
    }
    match explain::lack(refusal, &handshake).map(way_to_bring) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The option that brings what a handshake lacks.
fn way_to_bring(lack: Lack) -> &'static str {
    match lack {
        Lack::Signature => {
            "if $connect asks for a signature (AWS_IAM), give it the target's with --sign"
        }
        Lack::ApiKey => "bring a key with --header 'x-api-key: KEY'",
        Lack::IdentitySource => "bring what it looks for with --header, or in the query of a URL",
    }
}

/// The next thing to try after a link that failed; the causes say what happened.
fn next_step(step: &LinkStep, server: Server) -> Option<String> {
    let words = match step {
        LinkStep::Request | LinkStep::Sign | LinkStep::Rule(_) => return None,
        LinkStep::Resolve if server == Server::Any => "check the host's name",
        LinkStep::Resolve => "check the host's name, and the API's region; a deleted API has none",
        LinkStep::Connect => "start the server, or look for a firewall or a proxy on the way",
        LinkStep::Tls => {
            "check the host's name and its certificate; a proxy's own must be among the system's"
        }
        LinkStep::Handshake => "check the URL: what answers there may not be a WebSocket server",
        LinkStep::Subprotocol(name) => {
            return Some(format!("offer it: --subprotocol {}", text::printable(name)));
        }
        LinkStep::Open => "connect again; if it happens again, look at the network and the backend",
    };
    Some(words.to_owned())
}

/// A patience that a person gave, as they would say it.
pub(super) fn patience_text(patience: Duration) -> String {
    format!("{} ms", patience.as_millis())
}

fn failure(title: &str, explanation: &Explanation) -> Failure {
    Failure::new(FailureKind::Remote, title)
        .cause(&explanation.title)
        .cause(&explanation.text)
}

/// SOURCE: RFC 6455 §7.4.1: 1000 is the normal end, 1001 a peer that goes away, 1005 an end without a word.
pub(super) fn is_orderly(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1005)
}
