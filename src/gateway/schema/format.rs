//! The formats that draft 4 defines.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The test of a format: true for a text that has the format.
pub(super) type Format = fn(&str) -> bool;

/// Returns the format of this name; nothing for one that draft 4 does not define, which any text has.
pub(super) fn named(name: &str) -> Option<Format> {
    Some(match name {
        "date-time" => is_date_time,
        "email" => is_email,
        "hostname" => is_hostname,
        "ipv4" => is_ipv4,
        "ipv6" => is_ipv6,
        "uri" => is_uri,
        _ => return None,
    })
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// SOURCE: RFC 3339, section 5.6.
fn is_date_time(text: &str) -> bool {
    parse_date_time(text).is_some()
}

fn parse_date_time(text: &str) -> Option<()> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't'])?;
    is_date(date).then_some(())?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [hour, minute, second] = numbers(time, ':')?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|it: char| it.is_ascii_digit());
            (rest.len() < fraction.len()).then_some(rest)?
        }
        None => rest,
    };
    let offset = minutes_of_offset(rest)?;
    let is_time = hour < 24 && minute < 60 && second < 60;
    // A leap second ends a day of UTC.
    let minute_of_day = (hour * 60 + minute - offset).rem_euclid(24 * 60);
    let is_leap = hour < 24 && minute < 60 && second == 60 && minute_of_day == 24 * 60 - 1;
    (is_time || is_leap).then_some(())
}

fn is_date(date: &str) -> bool {
    let Some((year, rest)) = date.split_once('-') else {
        return false;
    };
    let (Some(year), Some([month, day])) = (number(year, 4), numbers(rest, '-')) else {
        return false;
    };
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap_year => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn minutes_of_offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let [hour, minute] = numbers(&text[1..], ':')?;
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute))
}

/// Numbers of two digits each.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i32; N]> {
    let parts = text.split(separator).map(|part| number(part, 2));
    parts.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn number(text: &str, n_digits: usize) -> Option<i32> {
    let is_number = text.len() == n_digits && text.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// SOURCE: RFC 1034, section 3.1, and RFC 1123, section 2.1, for a digit at the start.
fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let has_hyphen_outside = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(is_allowed) && !has_hyphen_outside
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// SOURCE: RFC 5322, section 3.4.1, without comments and folding; RFC 5321 for an address in brackets.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_domain = match domain.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => is_ipv6(address),
            None => is_ipv4(address),
        },
        None => is_hostname(domain),
    };
    let is_local = match local.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => is_quoted(quoted),
        None => local.split('.').all(is_atom),
    };
    is_local && is_domain && local.len() <= 64
}

fn is_atom(text: &str) -> bool {
    let is_allowed = |it: char| {
        it.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(it) || !it.is_ascii()
    };
    !text.is_empty() && text.chars().all(is_allowed)
}

/// True when a text may stand between quotes.
fn is_quoted(text: &str) -> bool {
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        let is_allowed = match next {
            '\\' => rest.next().is_some_and(|it| !it.is_control()),
            '"' => false,
            other => !other.is_control(),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

/// SOURCE: RFC 3986, appendix A: an absolute reference, with a scheme.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
    let is_scheme =
        scheme.starts_with(|it: char| it.is_ascii_alphabetic()) && scheme.bytes().all(is_allowed);
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    is_scheme
        && is_authority(authority)
        && is_spelled(path, ":@/")
        && is_spelled(query, ":@/?")
        && is_spelled(fragment, ":@/?")
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match host[end..].find(':') {
        Some(at) => (&host[..end + at], &host[end + at + 1..]),
        None => (host, ""),
    };
    let is_host = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => is_ipv6(address) || is_future_address(address),
        None => is_spelled(host, ""),
    };
    is_host && is_spelled(user, ":") && port.bytes().all(|it| it.is_ascii_digit())
}

/// SOURCE: RFC 3986, `IPvFuture`.
fn is_future_address(text: &str) -> bool {
    let parts = text
        .strip_prefix(['v', 'V'])
        .and_then(|it| it.split_once('.'));
    parts.is_some_and(|(version, address)| {
        let is_version = !version.is_empty() && version.bytes().all(|it| it.is_ascii_hexdigit());
        is_version && !address.is_empty() && !address.contains('%') && is_spelled(address, ":")
    })
}

/// True when a text has only characters that may stand anywhere in a URI, and those in `more`.
fn is_spelled(text: &str, more: &str) -> bool {
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        let is_allowed = match next {
            '%' => {
                let mut is_digit = || rest.next().is_some_and(|it| it.is_ascii_hexdigit());
                is_digit() && is_digit()
            }
            other => {
                other.is_ascii_alphanumeric()
                    || "-._~!$&'()*+,;=".contains(other)
                    || more.contains(other)
            }
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(format: &str, good: &[&str], bad: &[&str]) {
        let has_format = named(format).unwrap();
        for (texts, expected) in [(good, true), (bad, false)] {
            for text in texts {
                assert_eq!(has_format(text), expected, "{format} {text}");
            }
        }
    }

    #[test]
    fn formats_are_those_of_their_standards() {
        check(
            "date-time",
            &[
                "2024-02-29T23:59:59Z",
                "1999-12-31t00:00:00.5-08:30",
                "2016-12-31T15:59:60-08:00",
            ],
            &[
                "2023-02-29T00:00:00Z",
                "2024-13-01T00:00:00Z",
                "2024-01-01T24:00:00Z",
                "2024-01-01 00:00:00Z",
                "2024-01-01T00:00:00",
                "2024-01-01T00:00:00.Z",
                "2016-12-31T12:59:60Z",
                "2024-01-01T00:00:00+24:00",
                "é2024-01-01",
                "",
            ],
        );
        check(
            "email",
            &[
                "a.b+c@example.com",
                "\"a @ b\"@example.com",
                "a@[10.0.0.1]",
                "a@[IPv6:::1]",
            ],
            &[
                "a",
                "a@",
                "@a.com",
                "a..b@c.com",
                ".a@c.com",
                "a b@c.com",
                "a@-c.com",
                "a@[10.0]",
                "\"a\"b\"@c.com",
            ],
        );
        check(
            "hostname",
            &["a", "www.example.com", "3com.com", "a-b.c"],
            &["", "a.", "-a", "a-", "a_b", "é.com", "a..b"],
        );
        check(
            "ipv4",
            &["127.0.0.1"],
            &["127.0.0", "256.0.0.1", "01.2.3.4", "1.2.3.4 "],
        );
        check(
            "ipv6",
            &["::1", "fe80::1:2", "::ffff:1.2.3.4"],
            &["1::2::3", "::g", "12345::", "fe80::1%eth0"],
        );
        check(
            "uri",
            &[
                "http://a.b:80/c?d=e#f",
                "urn:a:b",
                "http://[::1]:80/",
                "http://[v1.a:b]/",
                "mailto:a@b.c",
                "ftp://u:p@h/%20",
                "file:///a",
            ],
            &[
                "",
                "/a",
                "//a/b",
                "a b",
                "http://a b",
                "http://a/%2",
                "http://[::1",
                "http://a:b/",
                "1a:b",
                "http://a/{b}",
                "a:é",
                "http://a/#b#c",
            ],
        );
        assert!(named("regex").is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"[a1é:/@.\[\]%T+-]{0,24}|\PC{0,24}") {
            for name in ["date-time", "email", "hostname", "ipv4", "ipv6", "uri"] {
                let _has_it = named(name).unwrap()(&text);
            }
        }
    }
}
