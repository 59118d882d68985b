//! The output of templates, row by row of the reference, and the bounds that no template gets out of.

mod bounds;
mod data;
mod language;
mod values;

use serde_json::json;

use super::*;

struct Sample {
    input: String,
    json: Option<Value>,
    variables: BTreeMap<String, String>,
    parameters: Parameters,
}

impl Sample {
    fn new(input: &str) -> Sample {
        let pairs = |pairs: &[(&str, &str)]| -> Pairs {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        Sample {
            input: input.to_owned(),
            json: serde_json::from_str(input).ok(),
            variables: BTreeMap::from([("table".to_owned(), "rooms".to_owned())]),
            parameters: Parameters {
                path: Pairs::new(),
                querystring: pairs(&[("a", "0"), ("a", "1"), ("both", "query")]),
                header: pairs(&[("X-Token", "t"), ("both", "header")]),
            },
        }
    }

    fn render(&self, template: &str) -> Result<String, BadTemplate> {
        Template::parse(template)?.render(self)
    }
}

impl Scope for Sample {
    fn input(&self) -> &str {
        &self.input
    }
    fn input_json(&self) -> Option<&Value> {
        self.json.as_ref()
    }
    fn context(&self, name: &str) -> Option<String> {
        match name {
            "connectionId" => Some("ABC=".to_owned()),
            "identity.sourceIp" => Some("192.0.2.7".to_owned()),
            _ => None,
        }
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
    fn parameters(&self) -> Parameters {
        self.parameters.clone()
    }
}

fn sample() -> Sample {
    let input = json!({
        "x": "it's", "o": {"a": 1, "b": [{"c": 5}]}, "n": 7, "f": 1.5, "yes": true, "none": null,
        "list": ["p", "q", "r"], "empty": [], "big": 12_345_678_901_234_567_890_u64,
    });
    Sample::new(&input.to_string())
}

#[track_caller]
fn check(template: &str, expected: &str) {
    let rendered = sample().render(template);
    assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
}

/// Checks a template that cannot be used, and that its reason names what is wrong.
#[track_caller]
fn check_bad(template: &str, named: &str) {
    let reason = sample().render(template).unwrap_err().to_string();
    assert!(reason.contains(named), "{template}: {reason}");
}
