//! The settings in force: defaults < file < environment < flags.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::model::{Secret, pace::CallLimits, target::AwsTarget};

use super::{Error, Paths, env, file};

/// The settings in force after the file, the environment and the flags have spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The target of the calls.
    pub aws: AwsTarget,
    /// The limits of the target's calls, as far as somebody said.
    pub calls: CallLimits,
    /// True where a stage that was moved settles only after a while; `None` is yes on AWS's hosts, no elsewhere.
    pub settles: Option<bool>,
    /// Patterns of the stage names that deserve care; `*` stands for any characters.
    pub production: Vec<String>,
    /// Plain ASCII instead of line drawing and arrows; `None` leaves it to what the terminal can.
    pub ascii: Option<bool>,
    /// The use of colours.
    pub color: ColorChoice,
    /// The address that the local gateway listens on; `None` is its usual address.
    pub gateway_listen: Option<SocketAddr>,
    /// The local gateway's database; `None` is its usual place.
    pub gateway_state: Option<PathBuf>,
    /// The credentials that the local gateway's clients may sign with.
    pub gateway_credentials: Vec<GatewayCredential>,
    /// The API keys that the local gateway's clients may bring.
    pub gateway_api_keys: Vec<GatewayApiKey>,
}

/// Credentials that a local gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayCredential {
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// The user whose credentials they are.
    pub user: String,
    /// An IAM policy document that says what this user may do; everything if there is none.
    pub policy_file: Option<PathBuf>,
}

/// An API key that a local gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayApiKey {
    /// Its name.
    pub name: String,
    /// The value that a client brings.
    pub value: Secret,
    /// The stages that it is good for, as `API id/stage` with `*` and `?`; all if empty.
    #[serde(default)]
    pub stages: Vec<String>,
}

/// The use of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorChoice {
    /// As many as the terminal has.
    #[default]
    Auto,
    /// Even where the terminal does not claim any.
    Always,
    /// None.
    Never,
}

/// The flags, which win over everything else.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--profile`
    pub profile: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--endpoint-url`
    pub endpoint_url: Option<String>,
    /// `--calls-per-second`
    pub calls_per_second: Option<f64>,
}

/// The environment's settings. A struct of its own, so that tests need not change the process's environment.
#[derive(Debug, Default)]
struct Environment {
    profile: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
    /// Access keys are there.
    has_keys: bool,
    no_color: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            aws: AwsTarget::default(),
            calls: CallLimits::default(),
            settles: None,
            production: vec!["prod*".to_owned()],
            ascii: None,
            color: ColorChoice::Auto,
            gateway_listen: None,
            gateway_state: None,
            gateway_credentials: Vec::new(),
            gateway_api_keys: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings of the file and the environment.
    ///
    /// # Errors
    /// Fails when the file cannot be read or holds something that it may not hold.
    pub fn load(paths: &Paths) -> Result<Self, Error> {
        let file = file::read(&paths.config_file())?;
        Ok(Self::default()
            .with_file(file)
            .with_environment(Environment::read()))
    }

    /// The settings of a file that was asked for by name, which must exist, and the environment.
    ///
    /// # Errors
    /// Fails when the file cannot be read or holds something that it may not hold.
    pub fn load_file(path: &Path) -> Result<Self, Error> {
        let file = file::read_existing(path)?;
        Ok(Self::default()
            .with_file(file)
            .with_environment(Environment::read()))
    }

    /// The settings with what flags say on top.
    #[must_use]
    pub fn with_flags(mut self, flags: Overrides) -> Self {
        self.aws = choose(self.aws, flags.profile, flags.region, flags.endpoint_url);
        if flags.calls_per_second.is_some() {
            // The burst in the file belongs to the rate in the file.
            self.calls.burst = None;
            self.calls.per_second = flags.calls_per_second;
        }
        self
    }

    fn with_file(mut self, file: file::File) -> Self {
        self.aws = AwsTarget {
            profile: file.aws.profile,
            region: file.aws.region,
            endpoint_url: file.aws.endpoint_url,
        };
        self.calls = CallLimits {
            per_second: file.aws.calls_per_second,
            burst: file.aws.burst,
            share: file.aws.share,
        };
        self.settles = file.aws.settles;
        if let Some(production) = file.ui.production {
            self.production = production;
        }
        self.ascii = file.ui.ascii;
        self.color = file.ui.color.unwrap_or_default();
        self.gateway_listen = file.gateway.listen;
        self.gateway_state = file.gateway.state;
        self.gateway_credentials = file.gateway.credentials;
        self.gateway_api_keys = file.gateway.api_keys;
        self
    }

    fn with_environment(mut self, environment: Environment) -> Self {
        let Environment {
            profile,
            region,
            endpoint_url,
            has_keys,
            no_color,
        } = environment;
        if has_keys {
            // The environment is louder than the file, whichever way it names the credentials.
            self.aws.profile = None;
        }
        self.aws = choose(self.aws, profile, region, endpoint_url);
        if no_color {
            self.color = ColorChoice::Never;
        }
        self
    }
}

impl Environment {
    fn read() -> Self {
        let has_keys = env::var("AWS_ACCESS_KEY_ID").is_some();
        Self {
            // Keys in the environment win over AWS_PROFILE, as in the AWS CLI; the SDK's own chain sees to that as long
            // as no profile is asked for by name.
            profile: env::var("AWS_PROFILE").filter(|_| !has_keys),
            has_keys,
            region: env::var("AWS_REGION").or_else(|| env::var("AWS_DEFAULT_REGION")),
            endpoint_url: env::var("AWS_ENDPOINT_URL_APIGATEWAYV2")
                .or_else(|| env::var("AWS_ENDPOINT_URL")),
            no_color: env::no_color(),
        }
    }
}

/// The target with a louder voice on top.
///
/// A region and an endpoint of the quieter voice were meant for its own profile, so they go when the louder voice names
/// another one: a profile's own region must not lose against a region meant for somebody else.
fn choose(
    quiet: AwsTarget,
    profile: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
) -> AwsTarget {
    let quiet = match (&profile, &quiet.profile) {
        (Some(loud), Some(named)) if loud != named => AwsTarget::default(),
        _ => quiet,
    };
    AwsTarget {
        profile: profile.or(quiet.profile),
        region: region.or(quiet.region),
        endpoint_url: endpoint_url.or(quiet.endpoint_url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(profile: &str, region: &str) -> AwsTarget {
        AwsTarget {
            profile: Some(profile.into()),
            region: Some(region.into()),
            endpoint_url: None,
        }
    }

    fn settings(aws: AwsTarget) -> Settings {
        Settings {
            aws,
            ..Settings::default()
        }
    }

    #[test]
    fn a_louder_voice_wins_member_by_member() {
        let environment = Environment {
            region: Some("eu-north-1".into()),
            ..Environment::default()
        };
        let flags = Overrides {
            endpoint_url: Some("http://127.0.0.1:1".into()),
            ..Overrides::default()
        };
        let settings = settings(target("work", "us-east-1"))
            .with_environment(environment)
            .with_flags(flags);
        assert_eq!(settings.aws.profile.as_deref(), Some("work"));
        assert_eq!(settings.aws.region.as_deref(), Some("eu-north-1"));
        assert_eq!(
            settings.aws.endpoint_url.as_deref(),
            Some("http://127.0.0.1:1")
        );
    }

    #[test]
    fn keys_in_the_environment_win_over_a_profile_in_the_file_and_not_over_a_flag() {
        let environment = || Environment {
            has_keys: true,
            ..Environment::default()
        };
        let keyed = settings(target("work", "us-east-1")).with_environment(environment());
        assert_eq!(keyed.aws.profile, None);
        assert_eq!(keyed.aws.region.as_deref(), Some("us-east-1"));
        let flags = Overrides {
            profile: Some("other".into()),
            ..Overrides::default()
        };
        let flagged = keyed.with_flags(flags);
        assert_eq!(flagged.aws.profile.as_deref(), Some("other"));
    }

    #[test]
    fn a_region_meant_for_one_profile_is_not_used_for_another() {
        let flags = Overrides {
            profile: Some("other".into()),
            ..Overrides::default()
        };
        let settings = settings(target("work", "us-east-1")).with_flags(flags);
        assert_eq!(settings.aws.profile.as_deref(), Some("other"));
        assert_eq!(settings.aws.region, None);
    }

    #[test]
    fn no_color_wins_over_the_file() {
        let environment = Environment {
            no_color: true,
            ..Environment::default()
        };
        let settings = Settings {
            color: ColorChoice::Always,
            ..Settings::default()
        };
        assert_eq!(
            settings.with_environment(environment).color,
            ColorChoice::Never
        );
    }

    #[test]
    fn production_is_every_stage_that_starts_with_prod_by_default() {
        assert_eq!(Settings::default().production, ["prod*"]);
    }

    #[test]
    fn the_file_is_read_from_the_settings_directory() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            config_dir: dir.path().to_owned(),
            state_dir: dir.path().to_owned(),
        };
        let text = "[ui]\nproduction = [\"live*\"]\nascii = true\n[gateway]\nlisten = \"127.0.0.1:7000\"\n";
        std::fs::write(paths.config_file(), text).unwrap();
        let settings = Settings::load(&paths).unwrap();
        assert_eq!(settings.production, ["live*"]);
        assert_eq!(settings.ascii, Some(true));
        assert_eq!(
            settings.gateway_listen,
            Some("127.0.0.1:7000".parse().unwrap())
        );
    }

    #[test]
    fn a_file_that_was_asked_for_by_name_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let failure = Settings::load_file(&dir.path().join("mine.toml"))
            .unwrap_err()
            .failure();
        assert!(failure.causes[0].contains("mine.toml"), "{failure}");
    }
}
