//! Query strings, taken apart in one place. Their parts stay as they were sent, for a signature is made of those; who
//! means a form decodes it as one.

use percent_encoding::percent_decode_str;

/// A parameter of a query string, not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueryParameter<'q> {
    pub(super) name: &'q str,
    /// None when there is no `=`.
    pub(super) value: Option<&'q str>,
}

/// Splits a query string into its parameters, in order; between two `&` there is none.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = QueryParameter<'_>> {
    let texts = query.split('&').filter(|text| !text.is_empty());
    texts.map(|text| match text.split_once('=') {
        Some((name, value)) => QueryParameter {
            name,
            value: Some(value),
        },
        None => QueryParameter {
            name: text,
            value: None,
        },
    })
}

/// Returns the first value of a parameter, not decoded; one without `=` has none.
pub(super) fn value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut named = parameters(query).filter(|parameter| parameter.name == name);
    named.find_map(|parameter| parameter.value)
}

/// Returns names and values as a form means them, in order: `+` is a space, and bytes that are no UTF-8 are replaced.
pub(super) fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    parameters(query).map(|parameter| {
        let value = parameter.value.unwrap_or_default();
        (form_decoded(parameter.name), form_decoded(value))
    })
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: &[(&str, Option<&str>)]) {
        let found: Vec<_> = parameters(query).map(|it| (it.name, it.value)).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn parameters_are_split_and_not_decoded() {
        check("", &[]);
        check("&&", &[]);
        check("a=1&b=2", &[("a", Some("1")), ("b", Some("2"))]);
        check("a=1&&a=2&", &[("a", Some("1")), ("a", Some("2"))]);
        check("a&b=", &[("a", None), ("b", Some(""))]);
        check("=1", &[("", Some("1"))]);
        check("a=b=c", &[("a", Some("b=c"))]);
        check("a+b=%2B%26+;", &[("a+b", Some("%2B%26+;"))]);
    }

    #[test]
    fn a_value_is_the_first_of_its_name() {
        for (query, expected) in [
            ("a=1&b=2", Some("2")),
            ("b=2&b=3", Some("2")),
            ("b&b=3", Some("3")),
            ("b=", Some("")),
            ("b=%20+", Some("%20+")),
            ("b", None),
            ("B=1&bb=2&%62=3", None),
        ] {
            assert_eq!(value(query, "b"), expected, "{query}");
        }
    }

    #[test]
    fn a_form_is_decoded() {
        let pairs: Vec<_> = form_pairs("&a+b=c%2Bd&e&=f&g=%ff&h=%zz%3d").collect();
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        assert_eq!(
            pairs,
            [
                ("a b", "c+d"),
                ("e", ""),
                ("", "f"),
                ("g", "\u{fffd}"),
                ("h", "%zz=")
            ]
        );
    }
}
