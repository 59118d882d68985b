//! The arguments and their help texts.

use std::{collections::HashSet, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args as Arguments, Parser, Subcommand};
use http::Uri;
use jiff::SignedDuration;

use crate::{
    gateway::{self, LambdaOptions, LocalFunction, Seed, Strictness},
    live,
    model::{ApiId, StageName},
};

const EXAMPLES: &str = "\
Examples:
  stagewire --local                          try everything here, without an account
  stagewire                                  the console on your default AWS profile
  stagewire --profile work --region eu-west-1
  stagewire deploy chat --stage prod         deploy from a script
  stagewire connect chat/prod                watch a stage, one line a frame

With --json a failure is told on stdout too, in one line: {\"Error\": {\"Title\", \"Causes\", \"Hint\"}}.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 differences found, 130 interrupted, 255 a bug in stagewire.";

const GATEWAY_HELP: &str = "\
The first line on stdout is the gateway's URL, so that a script can read it:

  stagewire gateway --listen 127.0.0.1:0 --ephemeral | head -1

Point the AWS CLI at it (any credentials will do):

  aws apigatewayv2 get-apis --endpoint-url http://127.0.0.1:4566

Run the Lambda functions of its integrations with their own runtime clients, or let SAM or LocalStack run them:

  stagewire gateway --function chat='npx aws-lambda-ric chat.handler'
  stagewire gateway --function chat='python3 -m awslambdaric chat.handler' --function chat:test=./test-bootstrap
  stagewire gateway --lambda-endpoint http://127.0.0.1:3001";

const DEPLOY_HELP: &str = "\
Examples:
  stagewire deploy chat --stage test
  stagewire deploy chat --stage try-2 --create --description 'add join route'
  stagewire deploy chat --stage prod --dry-run    what would change, and the AWS CLI commands for it
  stagewire deploy chat --stage prod --json | jq -r .Deployment.DeploymentId
  stagewire deploy chat --stage prod --wait settled && ./smoke-test
  stagewire deploy chat --stage test --no-wait    in a second or two, however large the API is

The draft is read before the deploy, to plan it, and once behind its freeze, to prove what the deployment holds; the
stage is moved after that. AWS gives an account 10 calls a second, of which half are used, so that a large API takes a
while. With --no-wait neither is read: what the stage serves is compared right before it is moved, as always, and how the
draft differs from it is unknown until the next deploy.

With --json \"Proved\" tells whether it is known what the deployment holds, and on AWS \"SettlesInSeconds\" how long old
and new deployment may answer side by side.

With --json a deploy that fails or is interrupted tells beside \"Error\" what \"Remains\": its \"Kind\" is Nothing, Unknown
or Deployment, and that with \"DeploymentId\", \"IsServed\" (true, false, or null where that is not known) and the
\"Commands\" of the AWS CLI to Look, to Finish and to CleanUp.";

const PULL_HELP: &str = "\
Examples:
  stagewire pull chat > chat.json
  stagewire pull chat --profile work -o chat.json
  stagewire gateway --seed chat.json             rehearse it on this machine";

const APPLY_HELP: &str = "\
Exit codes: 0 the target is as the file says, 3 it is not and --dry-run was given, 1 failed, 130 interrupted. With --json
a failure is told with what is Done, Unknown and NotDone, call by call, and the APIs of the file that are NotBegun.

Examples:
  stagewire apply chat.json --dry-run            what differs, and the AWS CLI commands for it
  stagewire apply chat.json --local
  stagewire apply chat.json --api k3v9x2a1bc --prune --yes
  stagewire pull chat --profile work | stagewire apply - --local --yes";

const CONNECT_HELP: &str = "\
Each line that you type is sent as one text message. Ctrl-C says goodbye and leaves. When input that is piped in or
comes from a file ends, the connection is closed with 1000 once nothing has come for 2 s, after 10 s at the latest, and
the exit code is 0; --linger changes that. Without input (/dev/null) it stays open until the other side closes it.

Examples:
  stagewire connect chat/prod
  stagewire connect --json wss://abc123.execute-api.us-east-1.amazonaws.com/prod | jq .text
  echo '{\"action\":\"hello\"}' | stagewire connect chat/test
  stagewire connect chat/prod --linger 60 < messages.txt
  stagewire connect chat/prod --header 'X-Api-Key: …' --subprotocol v2
  stagewire connect --sign wss://abc123.execute-api.us-east-1.amazonaws.com/prod --profile work

Where $connect asks for a signature (AWS_IAM), the handshake of API/STAGE carries the target's; with a URL, and where what
the stage serves is unknown and differs from the draft, --sign says so. Signatures are sent in headers, never in the URL.

A stage that was made less than 90 s ago may refuse handshakes with 403 on AWS: those of API/STAGE are tried again
until the 90 s are over, unless the refusal names another reason. With --json each attempt tells \"connecting\", and then
\"refused\" or \"open\".";

const SEND_HELP: &str = "\
Examples:
  stagewire send chat/prod '{\"action\":\"ping\"}'
  stagewire send chat/prod '{\"action\":\"ping\"}' --expect pong --timeout-ms 2000 && echo alive
  stagewire send chat/prod - < message.json

A stage that was made less than 90 s ago may refuse handshakes with 403 on AWS: those of API/STAGE are tried again
until the 90 s are over, as far as --timeout-ms lets them, unless the refusal names another reason.";

/// A terminal console for WebSocket APIs on Amazon API Gateway
///
/// Choose an API, deploy it to a stage, and watch that stage live, frame by frame. Without a command the console opens;
/// the commands do one job each, for scripts.
#[derive(Debug, Parser)]
#[command(name = "stagewire", version, after_help = EXAMPLES, max_term_width = 100)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(flatten)]
    pub(super) lambda: LambdaArgs,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// The options that every command takes.
#[derive(Debug, Clone, Default, Arguments)]
#[command(next_help_heading = "Options for every command")]
pub(super) struct Global {
    /// The profile in your AWS configuration
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "local")]
    pub(super) profile: Option<String>,
    /// The AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Call this control plane instead of AWS's own
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// What the account allows of control calls, of which stagewire takes half: 10 on AWS, else no limit
    #[arg(long, global = true, value_name = "N", value_parser = calls_per_second)]
    pub(super) calls_per_second: Option<f64>,
    /// Use the local gateway; the console starts one, the commands use the one that runs
    #[arg(long, global = true)]
    pub(super) local: bool,
    /// Print answers as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Read the settings from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Say nothing but the answer, warnings and failures
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the local gateway: API Gateway's own protocol, on this machine
    #[command(after_help = GATEWAY_HELP)]
    Gateway(GatewayArgs),
    /// List the WebSocket APIs
    Apis,
    /// List an API's routes and where they lead
    Routes(ApiArgs),
    /// List an API's stages, what they serve, and what is not deployed to them yet
    Stages(ApiArgs),
    /// Deploy an API to a stage
    #[command(after_help = DEPLOY_HELP)]
    Deploy(DeployArgs),
    /// Write an API's definition as a file
    ///
    /// The file has all that a deployment freezes, the API's own members and tags, and the stages with their variables and
    /// settings; it has no ids and no dates, and what has the value that API Gateway fills in is left out. Pulled twice,
    /// it is the same, byte by byte. Integrations are named after the first route that targets them. What a stage serves
    /// is not in it: nobody can read a deployment.
    #[command(after_help = PULL_HELP)]
    Pull(PullArgs),
    /// Make an API as a file says, or create it
    ///
    /// Compares the file with the target, shows what differs, and makes the calls that it takes, in an order in which none
    /// is refused. Applied again, it makes no call. The API is found by its name (or --api), routes by key, authorizers,
    /// models and stages by name, and integrations by the routes that target them.
    ///
    /// What the file does not have is left alone, unless --prune is given. What it does have is made as the file says:
    /// members, parameters, variables and responses that the file lacks are removed.
    ///
    /// The draft and the stages' settings are written; stages that do not exist are created and serve nothing. Nothing is
    /// deployed: `deployment` and `then` of the file are for `gateway --seed`, of which the end counts here, and `stagewire
    /// deploy` lets a stage serve the draft. A stage with autoDeploy serves each change at once.
    ///
    /// When a call fails, what was done and what was not is told; applied again, it goes on from there.
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArgs),
    /// Print the URL that clients of a stage connect to
    Url(StageArgs),
    /// Connect to a stage and print every frame
    #[command(after_help = CONNECT_HELP)]
    Connect(ConnectArgs),
    /// Send one message to a stage, and perhaps wait for an answer
    #[command(after_help = SEND_HELP)]
    Send(SendArgs),
    /// Print the keys of the console
    Keys,
}

#[derive(Debug, Arguments)]
pub(super) struct GatewayArgs {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:4566]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// Keep the state in this file, whose directory exists [default: gateway.redb in the state directory]
    #[arg(long, value_name = "FILE", conflicts_with = "ephemeral")]
    pub(super) state: Option<PathBuf>,
    /// Keep the state in memory only
    #[arg(long)]
    pub(super) ephemeral: bool,
    /// What to put into a new state: demo, none, or a file with definitions
    #[arg(long, value_name = "demo|none|FILE", default_value = "demo", value_parser = parse_seed)]
    pub(super) seed: Seed,
    /// Let idle and lifetime limits, rates, latency and consistency pass this many times faster
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = parse_time_scale)]
    pub(super) time_scale: f64,
    #[command(flatten)]
    pub(super) strictness: StrictnessArgs,
    #[command(flatten)]
    pub(super) lambda: LambdaArgs,
}

/// The strictness of the local gateway where AWS makes its callers wait.
#[derive(Debug, Clone, Arguments)]
#[command(next_help_heading = "Strictness of the local gateway")]
pub(super) struct StrictnessArgs {
    /// Refuse control calls that come faster than AWS takes them, such as more than 10 a second
    #[arg(long)]
    aws_rates: bool,
    /// Let each control call take at least this long, for example 150ms
    #[arg(long, value_name = "TIME", value_parser = parse_latency)]
    latency: Option<Duration>,
    /// Let a stage that was moved answer by its old and its new deployment for this long, for example 60s, and let a new
    /// stage refuse handshakes meanwhile
    #[arg(long, value_name = "TIME", value_parser = parse_consistency)]
    consistency: Option<Duration>,
}

impl StrictnessArgs {
    /// Returns the strictness that was asked for.
    pub(super) fn strictness(&self) -> Strictness {
        Strictness {
            aws_rates: self.aws_rates,
            latency: self.latency.unwrap_or_default(),
            consistency: self.consistency.unwrap_or_default(),
        }
    }
}

/// The options that say where Lambda functions run.
#[derive(Debug, Clone, Arguments)]
#[command(next_help_heading = "Lambda functions of the local gateway")]
pub(super) struct LambdaArgs {
    /// Run this function here; the command starts a client of the Lambda Runtime API; may be repeated
    #[arg(long, value_name = "NAME[:ALIAS]=COMMAND", value_parser = LocalFunction::parse)]
    function: Vec<LocalFunction>,
    /// How long a function that runs here may take for an invocation [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=900))]
    function_timeout: Option<u64>,
    /// Invoke all other functions at this endpoint, SAM's for example
    #[arg(long, value_name = "URL", value_parser = parse_lambda_endpoint)]
    lambda_endpoint: Option<Uri>,
}

impl LambdaArgs {
    /// True when none of the options was given.
    pub(super) fn is_empty(&self) -> bool {
        self.function.is_empty()
            && self.function_timeout.is_none()
            && self.lambda_endpoint.is_none()
    }

    /// Returns what was said, or the name of a function that was said twice.
    pub(super) fn options(&self) -> Result<LambdaOptions, String> {
        let mut names = HashSet::new();
        for function in &self.function {
            if !names.insert(function.name()) {
                return Err(function.name().to_owned());
            }
        }
        let usual = LambdaOptions::default();
        Ok(LambdaOptions {
            endpoint: self.lambda_endpoint.clone(),
            credential: None,
            functions: self.function.clone(),
            timeout: self
                .function_timeout
                .map_or(usual.timeout, Duration::from_secs),
        })
    }
}

#[derive(Debug, Arguments)]
pub(super) struct ApiArgs {
    /// The API's id or its name
    #[arg(value_name = "API")]
    pub(super) api: String,
}

#[derive(Debug, Arguments)]
pub(super) struct StageArgs {
    /// The API's id or its name
    #[arg(value_name = "API")]
    pub(super) api: String,
    /// The stage's name
    #[arg(value_name = "STAGE", value_parser = StageName::from_str)]
    pub(super) stage: StageName,
}

#[derive(Debug, Arguments)]
pub(super) struct DeployArgs {
    /// The API's id or its name
    #[arg(value_name = "API")]
    pub(super) api: String,
    /// The stage to deploy to
    #[arg(long, value_name = "NAME", value_parser = StageName::from_str)]
    pub(super) stage: StageName,
    /// Create the stage, which must not exist yet
    #[arg(long)]
    pub(super) create: bool,
    /// What the deployment should say of itself
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,
    /// Read no draft and wait for none: what the deployment holds is unknown then, until the next deploy
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Wait after the deploy too. For `settled`: until the stage answers from the new deployment alone, up to 90 s on AWS
    #[arg(long, value_name = "FOR", value_enum)]
    pub(super) wait: Option<WaitFor>,
    /// Only say what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// The event to wait for behind a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WaitFor {
    /// The stage answers from the new deployment alone
    Settled,
}

#[derive(Debug, Arguments)]
pub(super) struct PullArgs {
    /// The API's id or its name
    #[arg(value_name = "API")]
    pub(super) api: String,
    /// Write it to this file, in one piece, instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct ApplyArgs {
    /// The file with the definition; "-" reads it from stdin
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Change the API with this id, whatever its name is
    #[arg(long, value_name = "ID", value_parser = ApiId::from_str)]
    pub(super) api: Option<ApiId>,
    /// Delete routes, integrations, authorizers, models and stages that the file does not have
    #[arg(long)]
    pub(super) prune: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(super) yes: bool,
    /// Tell each call, not only how many there are
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct WhereArgs {
    /// API/STAGE (the API by id or name), or a ws:// or wss:// URL
    #[arg(value_name = "API/STAGE|URL", value_parser = parse_address)]
    pub(super) address: Address,
    /// Send this header with the handshake; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(super) header: Vec<(String, String)>,
    /// Offer this subprotocol; may be repeated, best first
    #[arg(long, value_name = "NAME")]
    pub(super) subprotocol: Vec<String>,
    /// Sign the handshake with the target's credentials, for IAM on $connect; a stage that asks for it gets it anyway
    #[arg(long)]
    pub(super) sign: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct ConnectArgs {
    #[command(flatten)]
    pub(super) to: WhereArgs,
    /// Stay this long after the end of the input: 0 leaves at once, "forever" until the other side closes
    #[arg(long, value_name = "SECONDS", value_parser = parse_linger)]
    pub(super) linger: Option<Linger>,
}

/// The time that a connection is kept after the end of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linger {
    For(Duration),
    Forever,
}

#[derive(Debug, Arguments)]
pub(super) struct SendArgs {
    #[command(flatten)]
    pub(super) to: WhereArgs,
    /// The message; "-", or none where stdin is not a terminal, reads it from stdin, without the last line's end
    #[arg(value_name = "TEXT")]
    pub(super) text: Option<String>,
    /// Wait for a message that holds this text; fail when none comes in time
    #[arg(long, value_name = "SUBSTRING")]
    pub(super) expect: Option<String>,
    /// How long the connection and the expected message may take, a stage that was just made included. Without it:
    /// 10000, from the last handshake on
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout_ms: Option<u64>,
}

/// The address to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Anywhere.
    Url(String),
    /// By the target.
    Stage(StagePath),
}

/// The address of a stage of an API of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StagePath {
    /// The API's id or name.
    pub(super) api: String,
    pub(super) stage: StageName,
}

fn parse_address(text: &str) -> Result<Address, String> {
    if text.contains("://") {
        return match live::url_fault(text) {
            None => Ok(Address::Url(text.to_owned())),
            Some(fault) => Err(fault),
        };
    }
    let Some((api, stage)) = text.rsplit_once('/') else {
        return Err("write API/STAGE, for example chat/prod, or a ws:// or wss:// URL".to_owned());
    };
    let stage = StageName::parse(stage).map_err(|error| error.to_string())?;
    Ok(Address::Stage(StagePath {
        api: api.to_owned(),
        stage,
    }))
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write NAME: VALUE, for example 'X-Api-Key: secret'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn parse_linger(text: &str) -> Result<Linger, String> {
    if text == "forever" {
        return Ok(Linger::Forever);
    }
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Linger::For(Duration::from_secs(seconds.into()))),
        Err(_) => Err("write whole seconds, for example 30, or forever".to_owned()),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "clap wants a parser that can fail"
)]
fn parse_seed(text: &str) -> Result<Seed, String> {
    Ok(match text {
        "demo" => Seed::Demo,
        "none" => Seed::None,
        file => Seed::File(file.into()),
    })
}

fn calls_per_second(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(calls) if (0.1..=10_000.0).contains(&calls) => Ok(calls),
        _ => Err("a number of calls from 0.1 to 10000".to_owned()),
    }
}

fn parse_time_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if gateway::TIME_SCALES.contains(&scale) => Ok(scale),
        _ => {
            let (least, most) = gateway::TIME_SCALES.into_inner();
            Err(format!(
                "it must be a number from {least} to {most}, for example 60"
            ))
        }
    }
}

fn parse_latency(text: &str) -> Result<Duration, String> {
    parse_duration(text, "150ms", gateway::LONGEST_LATENCY)
}

fn parse_consistency(text: &str) -> Result<Duration, String> {
    parse_duration(text, "60s", gateway::LONGEST_CONSISTENCY)
}

fn parse_duration(text: &str, example: &str, longest: Duration) -> Result<Duration, String> {
    let duration = text.parse::<SignedDuration>().ok();
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    duration
        .filter(|duration| *duration <= longest)
        .ok_or_else(|| {
            let minutes = longest.as_secs() / 60;
            format!(
                "it must be a time with its unit, for example {example}, and at most {minutes}m"
            )
        })
}

fn parse_lambda_endpoint(text: &str) -> Result<Uri, String> {
    let uri = text.parse::<Uri>().map_err(|error| error.to_string())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if is_http && uri.host().is_some() && uri.query().is_none() {
        Ok(uri)
    } else {
        Err("it must be a URL such as http://127.0.0.1:3001".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_address_is_a_url_or_a_stage() {
        assert_eq!(
            parse_address("wss://a/b").unwrap(),
            Address::Url("wss://a/b".into())
        );
        let stage = StageName::parse("prod").unwrap();
        assert_eq!(
            parse_address("my/api/prod").unwrap(),
            Address::Stage(StagePath {
                api: "my/api".into(),
                stage
            })
        );
        for url in ["http://a/b", "wss:///b", "wss://a b/"] {
            assert!(parse_address(url).is_err(), "{url}");
        }
        assert!(parse_address("chat").unwrap_err().contains("API/STAGE"));
        assert!(
            parse_address("chat/two words")
                .unwrap_err()
                .contains("stage name")
        );
    }

    #[test]
    fn headers_are_name_and_value() {
        assert_eq!(
            parse_header("X-Key:  a:b ").unwrap(),
            ("X-Key".into(), "a:b".into())
        );
        assert!(parse_header("nothing").is_err());
    }

    #[test]
    fn a_lambda_endpoint_is_a_url_without_query() {
        for text in ["http://127.0.0.1:3001", "https://x.example/base/"] {
            assert!(parse_lambda_endpoint(text).is_ok(), "{text}");
        }
        for text in ["", "127.0.0.1:3001", "/x", "ws://a", "http://a/?b=c"] {
            assert!(parse_lambda_endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_connection_lingers_for_seconds_or_forever() {
        let for_30 = Linger::For(Duration::from_secs(30));
        assert_eq!(parse_linger("30"), Ok(for_30));
        assert_eq!(parse_linger("forever"), Ok(Linger::Forever));
        for text in ["", "-1", "1.5", "5s", "99999999999"] {
            assert!(parse_linger(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_a_unit_and_bounds() {
        let millis = Duration::from_millis;
        for (text, time) in [
            ("150ms", millis(150)),
            ("1m 30s", millis(90_000)),
            ("0s", Duration::ZERO),
            ("10m", gateway::LONGEST_LATENCY),
        ] {
            assert_eq!(parse_latency(text), Ok(time), "{text}");
        }
        for text in ["", "150", "fast", "-1s", "10m 1ms"] {
            let refusal = parse_latency(text).unwrap_err();
            assert!(refusal.contains("150ms, and at most 10m"), "{refusal}");
        }
        assert_eq!(parse_consistency("1h"), Ok(gateway::LONGEST_CONSISTENCY));
        let refusal = parse_consistency("2h").unwrap_err();
        assert!(refusal.contains("60s, and at most 60m"), "{refusal}");
    }

    #[test]
    fn time_scales_have_bounds() {
        for text in ["60", "0.5", "1000000"] {
            assert!(parse_time_scale(text).is_ok(), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN", "fast", "1e300", "1e-7"] {
            assert!(parse_time_scale(text).is_err(), "{text}");
        }
    }
}
