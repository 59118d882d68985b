//! Names of Lambda functions: the name, a part of the ARN, or all of it; each perhaps with a version or an alias at its
//! end.
//!
//! SOURCE: Lambda API reference, Invoke, `FunctionName`.

use crate::gateway::ACCOUNT;

/// Longest name, in characters.
const NAME: usize = 64;
/// Longest version or alias, in characters.
const QUALIFIER: usize = 128;

/// The partition and region of a function whose name does not say them.
const PARTITION: &str = "aws";
const REGION: &str = "us-east-1";

/// A function, and the version or alias of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionName {
    /// The bare name.
    pub(crate) name: String,
    /// A version or an alias.
    pub(crate) qualifier: Option<String>,
    /// The region that was named.
    pub(crate) region: Option<String>,
    partition: Option<String>,
    account: Option<String>,
}

impl FunctionName {
    /// Reads `name`, `account:function:name` or `arn:aws:lambda:region:account:function:name`, each perhaps with
    /// `:qualifier`.
    pub(crate) fn parse(text: &str) -> Option<FunctionName> {
        let parts: Vec<&str> = text.split(':').collect();
        let (owner, named) = Owner::split_off(&parts);
        let (name, qualifier) = match named {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return None,
        };
        let is_sound = is_word(name, NAME)
            && qualifier.is_none_or(|it| it == "$LATEST" || is_word(it, QUALIFIER))
            && owner.is_none_or(Owner::is_sound);
        if !is_sound {
            return None;
        }
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(FunctionName {
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
            region: owner.and_then(|owner| said(owner.region)),
            partition: owner.and_then(|owner| said(owner.partition)),
            account: owner.and_then(|owner| said(owner.account)),
        })
    }

    /// Returns the whole ARN, with the usual values in place of those that were not said.
    pub(crate) fn arn(&self) -> String {
        let mut arn = format!(
            "arn:{}:lambda:{}:{}:function:{}",
            self.partition.as_deref().unwrap_or(PARTITION),
            self.region(),
            self.account.as_deref().unwrap_or(ACCOUNT),
            self.name
        );
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }

    /// Returns the name, and the version or alias behind it.
    pub(super) fn key(&self) -> String {
        match &self.qualifier {
            None => self.name.clone(),
            Some(qualifier) => format!("{}:{qualifier}", self.name),
        }
    }

    /// True when nothing but a name, and perhaps a version or an alias, was said.
    pub(super) fn is_short(&self) -> bool {
        self.account.is_none() && self.region.is_none()
    }

    /// Returns the function's region.
    pub(crate) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or(REGION)
    }
}

/// The owner of a function, as it stands before the name.
#[derive(Debug, Clone, Copy)]
struct Owner<'t> {
    partition: &'t str,
    /// Empty where it was not said.
    region: &'t str,
    account: &'t str,
}

impl<'t> Owner<'t> {
    /// Takes the owner, if there is one, off the parts of a name.
    fn split_off<'p>(parts: &'p [&'t str]) -> (Option<Owner<'t>>, &'p [&'t str]) {
        match parts {
            [
                "arn",
                partition,
                "lambda",
                region,
                account,
                "function",
                named @ ..,
            ] => {
                let owner = Owner {
                    partition,
                    region,
                    account,
                };
                (Some(owner), named)
            }
            [account, "function", named @ ..] if is_account(account) => {
                let owner = Owner {
                    partition: PARTITION,
                    region: "",
                    account,
                };
                (Some(owner), named)
            }
            ["function", named @ ..] if !named.is_empty() => (None, named),
            named => (None, named),
        }
    }

    fn is_sound(self) -> bool {
        is_word(self.partition, NAME)
            && (self.region.is_empty() || is_word(self.region, NAME))
            && is_account(self.account)
    }
}

fn is_word(text: &str, longest: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= longest && text.bytes().all(is_plain)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:chat";

    #[track_caller]
    fn check(text: &str, name: &str, qualifier: Option<&str>, arn: &str) {
        let parsed = FunctionName::parse(text).unwrap();
        assert_eq!(parsed.name, name);
        assert_eq!(parsed.qualifier.as_deref(), qualifier);
        assert_eq!(parsed.arn(), arn);
    }

    #[test]
    fn a_function_is_named_in_any_of_the_documented_forms() {
        let usual = "arn:aws:lambda:us-east-1:000000000000:function:chat";
        check("chat", "chat", None, usual);
        check("function:chat", "chat", None, usual);
        check("chat:live", "chat", Some("live"), &format!("{usual}:live"));
        check(
            "123456789012:function:chat:7",
            "chat",
            Some("7"),
            "arn:aws:lambda:us-east-1:123456789012:function:chat:7",
        );
        check(ARN, "chat", None, ARN);
        let latest = format!("{ARN}:$LATEST");
        check(&latest, "chat", Some("$LATEST"), &latest);
        let china = "arn:aws-cn:lambda:cn-north-1:123456789012:function:chat";
        check(china, "chat", None, china);
    }

    proptest! {
        #[test]
        fn a_name_says_the_same_when_it_is_written_in_full(
            text in "((arn:aws:lambda:[a-z0-9-]{0,4}:)?([0-9]{12}:)?(function:)?)?[a-zA-Z_$:-]{0,8}|.{0,30}",
        ) {
            if let Some(read) = FunctionName::parse(&text) {
                let again = FunctionName::parse(&read.arn()).unwrap();
                prop_assert_eq!(again.key(), read.key());
                prop_assert_eq!(again.arn(), read.arn());
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(65);
        for text in [
            "",
            "a b",
            "chat:",
            "chat:a:b",
            ":chat",
            "../chat",
            "arn:aws:lambda:eu-west-1:12:function:chat",
            "arn:aws:lambda:eu-west-1:123456789012:layer:chat",
            "arn:aws:sqs:eu-west-1:123456789012:chat",
            "123456789012:function",
            "chat\r\n",
            &long,
        ] {
            assert_eq!(FunctionName::parse(text), None, "{text}");
        }
    }
}
