//! Events of links, for the verbs that use a link: messages put together from frames, and ends as sentences.

use std::time::Duration;

use jiff::Timestamp;

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
        ConnectRequest, Direction, Failure, FailureKind, FrameRecord, LinkEvent, Signing, Stage,
        StageName,
        explain::{self, CloseFacts, Explanation, Handshake, Sent},
        link::{Closed, LinkStep, Refusal},
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
    pub(super) stage: Option<StageName>,
    /// None where a refusal means what it says.
    unsettled: Option<Unsettled>,
}

impl Destination {
    /// Sets out to it, once.
    pub(super) fn open(&mut self, output: Output) -> PatientLink {
        PatientLink::open(self.request.clone(), self.unsettled.take(), output)
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
    let unsettled = stage.and_then(|stage| Unsettled::of(stage, &request, signer.as_ref()));
    Ok(Destination {
        request: sign(request, signer).await?,
        signing,
        stage: found.stage.map(|stage| stage.name),
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

/// An address, as far as it is known.
struct Found {
    url: String,
    stage: Option<Stage>,
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
    let is_decided = args.sign || args.header.iter().any(is_authorization);
    let asks = if is_decided {
        Ok(false)
    } else {
        let journal = Journal::new(session.paths.journal());
        Box::pin(reading::wants_signature(
            &control, &journal, &api.id, &stage,
        ))
        .await
    };
    let (signing, unknown) = match asks {
        Ok(true) => (Signing::Signed, None),
        Ok(false) => (Signing::Unsigned, None),
        Err(error) => (Signing::Unsigned, Some(error)),
    };
    Ok(Found {
        url: api.invoke_url(&stage.name),
        stage: Some(stage),
        control: Some(control),
        signing,
        unknown,
    })
}

/// Puts messages together from the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    message: Vec<u8>,
}

impl Assembler {
    /// Takes a frame; gives the message that it completes.
    pub(super) fn take(&mut self, record: &FrameRecord) -> Option<Vec<u8>> {
        if record.opcode.is_control() {
            return None;
        }
        if record.part == 1 {
            self.message.clear();
        }
        self.message.extend_from_slice(&record.payload);
        record.is_final.then(|| std::mem::take(&mut self.message))
    }
}

/// The facts of a connection that explain its end.
#[derive(Debug, Default)]
pub(super) struct Facts {
    opened_at: Option<Timestamp>,
    last_message_at: Option<Timestamp>,
    sent: Sent,
}

impl Facts {
    /// Learns from an event.
    pub(super) fn learn(&mut self, event: &LinkEvent) {
        match event {
            LinkEvent::Open(opened) => {
                self.opened_at = Some(opened.at);
                self.last_message_at = Some(opened.at);
            }
            LinkEvent::Frames(frames) => frames.records.iter().for_each(|record| {
                if !record.opcode.is_control() {
                    self.last_message_at = Some(record.at);
                }
                if record.direction == Direction::Out {
                    self.sent.count(record);
                }
            }),
            _ => {}
        }
    }

    fn close(&self, closed: &Closed) -> Explanation {
        let since = |at: Option<Timestamp>| {
            at.map(|at| closed.at.duration_since(at))
                .unwrap_or_default()
        };
        explain::close(
            closed,
            &CloseFacts {
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
                Some(match next_step(failed.step) {
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
    let url = &to.request.url;
    let stage = to.stage.clone().unwrap_or_else(|| last_segment(url));
    let handshake = Handshake {
        stage: &stage,
        signing: to.signing,
    };
    let explanation = explain::refusal(refusal, handshake, None);
    let mut failure = failure(&format!("Cannot connect to {url}"), &explanation);
    let body: String = text::printable_bytes(&refusal.body)
        .chars()
        .take(QUOTED_CHARS)
        .collect();
    if !body.is_empty() {
        failure = failure.cause(format!("it answered: {body}"));
    }
    if explain::may_lack_signature(refusal, to.signing) {
        failure = failure
            .hint("if $connect asks for a signature (AWS_IAM), give it the target's with --sign");
    }
    failure
}

/// The next thing to try after a link that failed; the causes say what happened.
fn next_step(step: LinkStep) -> Option<&'static str> {
    Some(match step {
        LinkStep::Request | LinkStep::Sign | LinkStep::Rule(_) => return None,
        LinkStep::Resolve => "check the host's name, and the API's region; a deleted API has none",
        LinkStep::Connect => "start the server, or look for a firewall or a proxy on the way",
        LinkStep::Tls => {
            "check the host's name and its certificate; a proxy's own must be among the system's"
        }
        LinkStep::Handshake => "check the URL: what answers there may not be a WebSocket server",
        LinkStep::Open => "connect again; if it happens again, look at the network and the backend",
    })
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

/// The stage's name in an invoke URL, for the explanation.
fn last_segment(url: &str) -> StageName {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let segment = path.trim_end_matches('/').rsplit('/').next();
    StageName::parse(segment.unwrap_or_default())
        .or_else(|_| StageName::parse("stage"))
        .expect("invariant: that is the name of a stage")
}
