//! The headers by which the gateway tells a backend, be it a function or an HTTP service, what it forwards: whose request
//! that is, the way on which it came, and the id that it is traced by.

use http::{HeaderMap, HeaderValue};

use crate::gateway::data::{
    ids,
    message::event::{Event, Kind},
};

/// The header that a request is traced by.
const TRACE_ID: &str = "x-amzn-trace-id";

/// The header that names whom a request comes from.
const SENDER: &str = "x-forwarded-for";

/// The way on which requests come to AWS, there being no other. SOURCE: captured events.
const WAY: [(&str, &str); 2] = [("x-forwarded-port", "443"), ("x-forwarded-proto", "https")];

/// Puts the headers of the gateway among those of an event, in place of what the client calls so.
///
/// SOURCE: captured events of `$connect`, and for messages an execution log that was reported of AWS. GUESS: `$disconnect`
/// has them too; as proxies do, the sender is added to whom the request names.
pub(super) fn mark(event: &Event, headers: &mut HeaderMap) {
    let mut put = |name, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    put(TRACE_ID, trace(event));
    if let Kind::Connect(handshake) = &event.kind {
        let addresses = handshake.forwarded_for(event.connection.source_ip);
        put(SENDER, HeaderValue::try_from(addresses).ok());
    }
    for (name, value) in WAY {
        put(name, Some(HeaderValue::from_static(value)));
    }
}

/// True for a header that every request of a client has once the gateway has marked it, whatever the client sent.
pub(crate) fn is_mark(name: &str) -> bool {
    let mut marks = [TRACE_ID, SENDER].into_iter().chain(WAY.map(|(it, _)| it));
    marks.any(|mark| mark.eq_ignore_ascii_case(name))
}

/// Returns the trace that an event belongs to. GUESS: one that the client began is kept, in whichever of its headers.
fn trace(event: &Event) -> Option<HeaderValue> {
    let is_begun = |trace: &&HeaderValue| trace.to_str().is_ok_and(|trace| trace.contains("Root="));
    let begun = match &event.kind {
        Kind::Connect(handshake) => {
            let mut brought = handshake.headers.get_all(TRACE_ID).iter();
            brought.find(is_begun).cloned()
        }
        Kind::Message(_) | Kind::Disconnect { .. } => None,
    };
    begun.or_else(|| HeaderValue::try_from(ids::trace(event.requested_at)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::data::fixture;

    #[test]
    fn a_trace_that_the_client_began_is_kept_in_whichever_header_it_is() {
        let begun = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
        for (brought, is_kept) in [
            (&[begun][..], true),
            (&["Self=1-2", begun], true),
            (&[begun, "Self=1-2"], true),
            (&["Self=1-2"], false),
            (&[], false),
        ] {
            let pairs: Vec<_> = brought.iter().map(|it| (TRACE_ID, *it)).collect();
            let event = fixture::connect_event("", &pairs);
            let Kind::Connect(handshake) = &event.kind else {
                unreachable!("invariant: it is a connect");
            };
            let mut headers = handshake.headers.clone();
            mark(&event, &mut headers);
            let traces: Vec<_> = headers.get_all(TRACE_ID).iter().collect();
            assert_eq!(traces.len(), 1, "{brought:?}");
            let trace = traces[0].to_str().unwrap();
            assert!(trace.starts_with("Root=1-"), "{trace}");
            assert_eq!(trace == begun, is_kept, "{brought:?}");
        }
    }

    #[test]
    fn the_client_cannot_say_on_which_way_it_came() {
        let event = fixture::connect_event("", &WAY.map(|(name, _)| (name, "mine")));
        let Kind::Connect(handshake) = &event.kind else {
            unreachable!("invariant: it is a connect");
        };
        let mut headers = handshake.headers.clone();
        mark(&event, &mut headers);
        for (name, value) in WAY {
            let all: Vec<_> = headers.get_all(name).iter().collect();
            assert_eq!(all, [value], "{name}");
        }
    }
}
