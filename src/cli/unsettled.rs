//! A stage that was made a moment ago may refuse handshakes on AWS: until it has settled they are tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{self, Instant};

use super::output::Output;
use crate::{
    aws::Signer,
    console::unsigned,
    live::{self, Link, LinkSender},
    model::{
        ConnectRequest, LinkEvent, Outgoing, Stage, StageName,
        limit::{self, SETTLING},
        link::Refusal,
    },
};

/// Waits before the handshakes after the first, in times of the first wait; the last one counts for all that follow.
const BACKOFF: [u32; 5] = [1, 2, 4, 8, 15];

/// The first wait.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// A stage that may not have settled, and how to ask it again.
#[derive(Debug)]
pub(super) struct Unsettled {
    stage: StageName,
    made_at: Timestamp,
    /// Without a signature: each attempt gets its own.
    request: ConnectRequest,
    signer: Option<Signer>,
    first_wait: Duration,
}

impl Unsettled {
    /// Returns what a stage that settles slowly may be; none where it serves nothing, or nobody knows when it was made.
    pub(super) fn of(
        stage: &Stage,
        request: &ConnectRequest,
        signer: Option<&Signer>,
    ) -> Option<Self> {
        Some(Self {
            stage: stage.name.clone(),
            made_at: stage.deployment_id.as_ref().and(stage.created_at)?,
            request: request.clone(),
            signer: signer.cloned(),
            first_wait: FIRST_WAIT,
        })
    }

    /// Returns the time that the stage may still take to settle; none when it has settled.
    ///
    /// A stage from the future, by this machine's clock, was made just now.
    fn settles_in(&mut self, now: Timestamp) -> Option<SignedDuration> {
        self.made_at = self.made_at.min(now);
        limit::settles_in(self.made_at, now)
    }

    /// Returns what is said before the next attempt.
    fn sentence(&self, left: SignedDuration) -> String {
        let (stage, age, left) = (&self.stage, (SETTLING - left).as_secs(), seconds_up(left));
        format!(
            "refused 403: stage \"{stage}\" was made {age} s ago, and AWS may refuse for up to {left} s more; trying again"
        )
    }

    fn open(&self) -> Link {
        let request = self.request.clone();
        let Some(signer) = self.signer.clone() else {
            return live::connect(request);
        };
        live::connect_with(async move {
            let signed = signer.sign(request).await;
            signed.map_err(|error| unsigned(&error.failure("Cannot sign the handshake")))
        })
    }
}

/// A link to an address, which is opened again where a stage refuses because it has not settled.
#[derive(Debug)]
pub(super) struct PatientLink {
    link: Link,
    unsettled: Option<Unsettled>,
    /// The order that is sent first, over whichever link opens.
    order: Option<Outgoing>,
    /// The instant from which the next attempt would come too late.
    too_late_at: Option<Instant>,
    n_refusals: usize,
    again_at: Option<Instant>,
    output: Output,
}

impl PatientLink {
    /// Sets out to an address.
    pub(super) fn open(
        request: ConnectRequest,
        unsettled: Option<Unsettled>,
        output: Output,
    ) -> Self {
        Self {
            link: live::connect(request),
            unsettled,
            order: None,
            too_late_at: None,
            n_refusals: 0,
            again_at: None,
            output,
        }
    }

    /// The same with something to send first.
    pub(super) fn sending(mut self, order: Outgoing) -> Self {
        self.order = Some(order);
        self.give_order();
        self
    }

    /// The same for somebody who waits no longer than that.
    pub(super) fn until(mut self, too_late_at: Option<Instant>) -> Self {
        self.too_late_at = too_late_at;
        self
    }

    /// The next event; none after the end. A refusal is no end where [`PatientLink::again_at`] says so, and what follows
    /// it begins with [`LinkEvent::Connecting`]. Nothing is lost when this is dropped on the way.
    pub(super) async fn next(&mut self) -> Option<LinkEvent> {
        if let (Some(at), Some(unsettled)) = (self.again_at, &self.unsettled) {
            time::sleep_until(at).await;
            self.link = unsettled.open();
            self.again_at = None;
            self.give_order();
        }
        let event = self.link.next().await;
        if let Some(LinkEvent::Refused(refusal)) = &event {
            self.take(refusal);
        }
        event
    }

    /// Returns the instant at which the handshake is tried again, after a refusal by a stage that has not settled.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.again_at
    }

    /// A way to send over the link of the last attempt.
    pub(super) fn sender(&self) -> LinkSender {
        self.link.sender()
    }

    fn give_order(&self) {
        if let Some(order) = &self.order {
            // There is room in a new link, and one that has ended says so among its events.
            let _ended = self.link.sender().try_send(order.clone()).is_err();
        }
    }

    fn take(&mut self, refusal: &Refusal) {
        let Some(unsettled) = &mut self.unsettled else {
            return;
        };
        let Some(left) = unsettled.settles_in(refusal.at) else {
            return;
        };
        let now = Instant::now();
        let patience = self.too_late_at.map(|at| at.saturating_duration_since(now));
        let first = unsettled.first_wait;
        let Some(wait) = wait(refusal, self.n_refusals, first, left, patience) else {
            return;
        };
        if self.n_refusals == 0 {
            self.output.progress(&unsettled.sentence(left));
        }
        self.n_refusals += 1;
        self.again_at = Some(now + wait);
    }
}

/// Returns the pause after a refusal, of which there were so many before, until the handshake is tried again; none
/// where the refusal says something else than that the stage is not there yet, or where nobody waits that long.
///
/// The last attempt comes when the stage must have settled.
fn wait(
    refusal: &Refusal,
    n_refusals: usize,
    first: Duration,
    left: SignedDuration,
    patience: Option<Duration>,
) -> Option<Duration> {
    let times = BACKOFF[n_refusals.min(BACKOFF.len() - 1)];
    let wait = (first * times).min(Duration::try_from(left).ok()?);
    let is_in_time = patience.is_none_or(|patience| wait < patience);
    (refusal.may_pass() && is_in_time).then_some(wait)
}

/// Whole seconds within which that time is over.
fn seconds_up(left: SignedDuration) -> i64 {
    left.as_secs() + i64::from(left.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use bytes::Bytes;
    use futures_util::StreamExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        task::JoinHandle,
    };
    use tokio_tungstenite::tungstenite::Message;

    use super::*;
    use crate::model::Secret;

    /// SOURCE: recorded on AWS, September 2026: no header names the error.
    const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json; charset=UTF-8\r\n\
        x-amz-apigw-id: RYG0LEicPHcFo_A=\r\ncontent-length: 23\r\nconnection: close\r\n\r\n\
        {\"message\":\"Forbidden\"}";
    const BROKEN: &str = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    fn refusal(status: u16, body: &'static str) -> Refusal {
        Refusal {
            at: Timestamp::UNIX_EPOCH,
            status,
            headers: Vec::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn unsettled(request: &ConnectRequest, made_at: Timestamp) -> Unsettled {
        Unsettled {
            stage: StageName::parse("test").unwrap(),
            made_at,
            request: request.clone(),
            signer: None,
            first_wait: Duration::from_millis(1),
        }
    }

    #[test]
    fn a_handshake_is_tried_again_until_the_stage_must_have_settled() {
        let mut left = SETTLING;
        let mut at = Vec::new();
        while left.is_positive() {
            let refusal = refusal(403, r#"{"message":"Forbidden"}"#);
            let wait = wait(&refusal, at.len(), FIRST_WAIT, left, None).unwrap();
            left -= SignedDuration::try_from(wait).unwrap();
            at.push((SETTLING - left).as_secs());
        }
        assert_eq!(at, [1, 3, 7, 15, 30, 45, 60, 75, 90]);
    }

    #[test]
    fn what_says_another_reason_is_told_at_once() {
        let is_tried_again = |status, body| {
            let refusal = refusal(status, body);
            wait(&refusal, 0, FIRST_WAIT, SETTLING, None).is_some()
        };
        let forbidden = r#"{"message":"Forbidden"}"#;
        assert!(is_tried_again(403, forbidden));
        assert!(is_tried_again(403, ""));
        let by_its_route = r#"{"message": "Forbidden", "connectionId":"c=", "requestId":"r="}"#;
        assert!(!is_tried_again(403, by_its_route));
        assert!(!is_tried_again(
            403,
            r#"{"message":"Missing Authentication Token"}"#
        ));
        assert!(!is_tried_again(403, "the backend's own words"));
        assert!(!is_tried_again(401, forbidden));
        assert!(!is_tried_again(404, forbidden));
        assert!(!is_tried_again(500, ""));
    }

    #[test]
    fn whoever_waits_less_hears_of_the_refusal_in_time() {
        let wait = |n_refusals, patience| {
            let patience = Some(Duration::from_secs(patience));
            wait(
                &refusal(403, ""),
                n_refusals,
                FIRST_WAIT,
                SETTLING,
                patience,
            )
        };
        assert_eq!(wait(1, 3), Some(Duration::from_secs(2)));
        assert_eq!(wait(1, 2), None);
    }

    #[test]
    fn a_stage_from_the_future_was_made_just_now() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        let mut stage = unsettled(&ConnectRequest::default(), after(3600));
        assert_eq!(stage.settles_in(now), Some(SETTLING));
        let left = stage.settles_in(after(60)).unwrap();
        assert_eq!(
            stage.sentence(left),
            "refused 403: stage \"test\" was made 60 s ago, and AWS may refuse for up to 30 s more; trying again"
        );
        assert_eq!(stage.settles_in(after(90)), None);
    }

    /// A stage that gives these answers, then takes the handshake and waits for a message: the heads of all handshakes,
    /// and the message.
    async fn stage(answers: &'static [&str]) -> (SocketAddr, JoinHandle<(Vec<String>, Message)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let play = async move {
            let mut heads = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                heads.push(head(&mut stream).await);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            (heads, socket.next().await.unwrap().unwrap())
        };
        (address, tokio::spawn(play))
    }

    async fn head(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    fn request(address: SocketAddr) -> ConnectRequest {
        ConnectRequest {
            url: format!("ws://{address}/test"),
            ..ConnectRequest::default()
        }
    }

    /// The events until the link is open or has ended, in short.
    async fn events(link: &mut PatientLink) -> String {
        let mut told = String::new();
        loop {
            told.push(match link.next().await {
                Some(LinkEvent::Connecting) => 'c',
                Some(LinkEvent::Unsent(_)) => 'u',
                Some(LinkEvent::Refused(_)) => 'r',
                Some(LinkEvent::Open(_)) => 'o',
                Some(event) => panic!("{event:?}"),
                None => return told,
            });
            if told.ends_with('o') {
                return told;
            }
        }
    }

    fn quiet() -> Output {
        Output::new(false, true)
    }

    #[tokio::test]
    async fn a_stage_that_refuses_twice_gets_the_message_the_third_time() {
        let (address, played) = stage(&[FORBIDDEN, FORBIDDEN]).await;
        let request = request(address);
        let future = Timestamp::MAX;
        let unsettled = unsettled(&request, future);
        let mut link = PatientLink::open(request, Some(unsettled), quiet())
            .sending(Outgoing::Text("hello".to_owned()));
        assert_eq!(events(&mut link).await, "curcurco");
        assert_eq!(link.again_at(), None);
        let (_, message) = played.await.unwrap();
        assert_eq!(message, Message::text("hello"));
    }

    #[tokio::test]
    async fn each_attempt_is_signed_by_itself() {
        let (address, played) = stage(&[FORBIDDEN, FORBIDDEN, FORBIDDEN]).await;
        let request = request(address);
        let secret = Secret::new("hunter2".to_owned());
        let signer = Signer::with_keys("AKIDALICE", &secret, None, "us-east-1");
        let unsettled = Unsettled {
            signer: Some(signer.clone()),
            ..unsettled(&request, Timestamp::MAX)
        };
        let signed = signer.sign(request).await.unwrap();
        let mut link = PatientLink::open(signed, Some(unsettled), quiet())
            .sending(Outgoing::Text("hello".to_owned()));
        assert_eq!(events(&mut link).await, "curcurcurco");
        for head in played.await.unwrap().0 {
            let head = head.to_lowercase();
            assert_eq!(head.matches("\r\nauthorization: ").count(), 1, "{head}");
            assert_eq!(head.matches("\r\nx-amz-date: ").count(), 1, "{head}");
        }
    }

    #[tokio::test]
    async fn an_older_stage_and_another_status_are_asked_once() {
        for (answers, changed_at) in [
            (&[FORBIDDEN], Some(Timestamp::UNIX_EPOCH)),
            (&[FORBIDDEN], None),
            (&[BROKEN], Some(Timestamp::MAX)),
        ] {
            let (address, played) = stage(answers).await;
            let request = request(address);
            let unsettled = changed_at.map(|at| unsettled(&request, at));
            let mut link = PatientLink::open(request, unsettled, quiet());
            assert_eq!(events(&mut link).await, "cr");
            played.abort();
        }
    }
}
