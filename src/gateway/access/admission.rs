//! Admission: programs, and the WebSockets of web pages, come in when they address the gateway by a name which is
//! surely its own or which somebody stored here as a custom domain name.
//!
//! A web page in somebody's browser must not be able to drive the gateway. The requests of a page carry `Origin` or
//! `Sec-Fetch-Site`, so pages are let through to the WebSocket data plane only; and a page that rebinds its own domain
//! name to our address is known by the name it asks for. Programs that are no browsers may send others of `Sec-Fetch-*`,
//! as Node's `fetch` does, but not that one, which browsers send with all the others. So a request must name us by
//! `localhost`, a name below `.localhost` or a loopback address. A listener beyond the loopback interface also takes
//! every literal address, its own among them: an address needs no DNS, so nobody can have rebound it. Every other name
//! is refused there too, on all planes alike; who wants to reach such a listener uses its address.
//!
//! A custom domain name is let in although the DNS decides about it: who stored it here can drive the gateway anyway,
//! and said by it that whoever owns the name is to reach what it is mapped to. That is all that it leads to, for a page
//! which such a name serves is of the same origin as the gateway under that name: WebSockets, which any page may open,
//! and `@connections`, never the control plane or the gateway's own API. A page gets to `@connections` no more than
//! elsewhere, for browsers mark what it sends with `Origin`; the one thing that they leave unmarked on a plain
//! connection, a GET of the page's own origin, tells when a connection was opened whose id the page must know.
//!
//! Signatures are verified for routes with `AWS_IAM` alone: whoever can reach the port is trusted with all else behind
//! it.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use http_body_util::Full;

use crate::gateway::{host::Host, reply, store::Store};

/// A request that named us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The name it used.
    pub(crate) host: Host,
    /// True when a browser made the request for a page.
    is_page: bool,
}

/// The reason why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// It names somebody else, or nobody.
    Host,
    /// It comes from a web page.
    Page,
}

/// Lets a request in that names us, in its `Host` and in its request line if that names a host as well. The custom
/// domain names of a store are ours too, if one is given.
pub(crate) fn admit<B>(
    request: &Request<B>,
    listener: SocketAddr,
    store: Option<&Store>,
) -> Result<Visitor, NotAdmitted> {
    let is_domain = |name: &str| store.is_some_and(|store| store.is_domain_name(name));
    let ours = |name: &str| {
        let host = Host::parse(name, is_domain);
        is_ours(&host, listener.ip()).then_some(host)
    };
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(name), None) = (named.next(), named.next()) else {
        return Err(NotAdmitted::Host);
    };
    let in_header = name.to_str().ok().and_then(ours).ok_or(NotAdmitted::Host)?;
    // SOURCE: RFC 9112, 3.2.2: a host in the request line counts for more than the `Host` field.
    let host = match request.uri().authority() {
        Some(authority) => ours(authority.as_str()).ok_or(NotAdmitted::Host)?,
        None => in_header,
    };
    Ok(Visitor {
        host,
        is_page: is_from_page(request.headers()),
    })
}

impl Visitor {
    /// Stops web pages in front of what only programs may use.
    pub(crate) fn require_program(&self) -> Result<(), NotAdmitted> {
        if self.is_page {
            Err(NotAdmitted::Page)
        } else {
            Ok(())
        }
    }
}

impl NotAdmitted {
    pub(crate) fn answer(self) -> Response<Full<Bytes>> {
        let message = match self {
            NotAdmitted::Host => {
                "The local gateway answers under localhost and under its own address only"
            }
            NotAdmitted::Page => "The local gateway answers web pages through WebSockets only",
        };
        reply::refusal(StatusCode::FORBIDDEN, "AccessDeniedException", message)
    }
}

fn is_ours(host: &Host, listening: IpAddr) -> bool {
    match host {
        Host::Api { .. } | Host::Domain { .. } | Host::Localhost => true,
        Host::Address(ip) => ip.is_loopback() || !listening.is_loopback(),
        Host::Foreign => false,
    }
}

fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Removes the marks of a web page's request, for a request that the gateway makes itself.
pub(crate) fn strip_page_marks(headers: &mut HeaderMap) {
    let marks: Vec<HeaderName> = headers
        .keys()
        .filter(|name| **name == header::ORIGIN || name.as_str().starts_with("sec-fetch-"))
        .cloned()
        .collect();
    for mark in marks {
        headers.remove(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        uri: &str,
        headers: &[(&str, &str)],
        listener: &str,
        expected: Result<bool, NotAdmitted>,
    ) {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let admitted = admit(&request.body(()).unwrap(), listener.parse().unwrap(), None);
        let is_page = admitted.map(|visitor| visitor.is_page);
        assert_eq!(is_page, expected, "{uri} {headers:?} at {listener}");
    }

    const LOOPBACK: &str = "127.0.0.1:4566";
    const EVERYWHERE: &str = "0.0.0.0:4566";

    #[test]
    fn names_of_this_machine_are_its_own_wherever_it_listens() {
        for host in [
            "127.0.0.1:4566",
            "127.8.0.1",
            "[::1]:4566",
            "LOCALHOST:80",
            "localhost.",
            "gateway.localhost",
            "a1.execute-api.us-east-1.localhost:4566",
        ] {
            for listener in [LOOPBACK, EVERYWHERE, "192.0.2.7:4566"] {
                check("/", &[("host", host)], listener, Ok(false));
            }
        }
    }

    #[test]
    fn names_that_others_may_own_are_refused_wherever_it_listens() {
        for host in [
            "example.com",
            "example.com:4566",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "example.com/.localhost",
            "user@localhost",
            "",
        ] {
            for listener in [LOOPBACK, EVERYWHERE, "192.0.2.7:4566"] {
                check("/", &[("host", host)], listener, Err(NotAdmitted::Host));
            }
        }
    }

    #[test]
    fn literal_addresses_are_taken_beyond_loopback_only() {
        let by_address = [("host", "192.0.2.7:4566")];
        check("/", &by_address, LOOPBACK, Err(NotAdmitted::Host));
        check("/", &by_address, EVERYWHERE, Ok(false));
        check("/", &by_address, "192.0.2.7:4566", Ok(false));
    }

    #[test]
    fn the_request_line_and_the_host_field_must_both_name_us() {
        let (ours, other) = (("host", "localhost"), ("host", "example.com"));
        check("http://127.0.0.1:1/x", &[ours], LOOPBACK, Ok(false));
        let refused = Err(NotAdmitted::Host);
        check("http://127.0.0.1:1/x", &[other], LOOPBACK, refused);
        check("http://example.com/x", &[ours], LOOPBACK, refused);
        check("http://127.0.0.1:1/x", &[], LOOPBACK, refused);
        check("/x", &[], LOOPBACK, refused);
        check("/x", &[ours, ours], LOOPBACK, refused);
    }

    #[test]
    fn the_marks_that_only_browsers_send_make_a_page() {
        for (mark, is_page) in [
            ("origin", true),
            ("sec-fetch-site", true),
            ("sec-fetch-mode", false),
            ("sec-fetch-dest", false),
        ] {
            let headers = [("host", "localhost"), (mark, "cors")];
            check("/x", &headers, LOOPBACK, Ok(is_page));
        }
    }
}
