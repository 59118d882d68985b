//! The keys that a local gateway knows: those of the settings, and the credentials in the environment.

use std::{fs, path::Path, sync::Arc};

use super::clock;
use crate::{
    aws::{Control, Signer},
    config::{GatewayCredential, Settings, env},
    gateway::{ApiKey, Credential, Keyring, Policy},
    model::{
        Failure, FailureKind, Secret, Target,
        link::{LinkFailure, LinkStep},
    },
};

/// Gathers the keys.
///
/// # Errors
/// Fails when a policy file cannot be read or is no policy document.
pub(crate) fn keyring(settings: &Settings) -> Result<Keyring, Failure> {
    let of_settings = settings.gateway_credentials.iter().map(credential);
    let mut credentials = of_settings.collect::<Result<Vec<_>, _>>()?;
    credentials.extend(of_environment().map(Arc::new));
    let api_keys = settings.gateway_api_keys.iter().map(|key| ApiKey {
        name: key.name.clone(),
        value: key.value.clone(),
        stages: key.stages.clone(),
    });
    Ok(Keyring {
        credentials,
        api_keys: api_keys.collect(),
    })
}

fn credential(settings: &GatewayCredential) -> Result<Arc<Credential>, Failure> {
    let policy = settings.policy_file.as_deref().map(policy).transpose()?;
    Ok(Arc::new(Credential {
        access_key_id: settings.access_key_id.clone(),
        secret_access_key: settings.secret_access_key.clone(),
        session_token: settings.session_token.clone(),
        user: settings.user.clone(),
        policy,
    }))
}

fn policy(path: &Path) -> Result<Policy, Failure> {
    let failure = || {
        Failure::new(
            FailureKind::Config,
            format!("Cannot use the policy in {}", path.display()),
        )
        .hint("it is named as policy_file under [[gateway.credentials]] in the settings")
    };
    let text = fs::read_to_string(path).map_err(|error| failure().caused_by(&error))?;
    let document = serde_json::from_str(&text).map_err(|error| failure().caused_by(&error))?;
    Policy::read(&document).map_err(|error| failure().caused_by(&error))
}

/// The end of a link whose handshake could not be signed.
pub(crate) fn unsigned(failure: &Failure) -> LinkFailure {
    let cause = failure.causes.join(": ");
    let cause = match &failure.hint {
        Some(hint) => format!("{cause}; {hint}"),
        None => cause,
    };
    LinkFailure {
        at: clock::now(),
        step: LinkStep::Sign,
        causes: vec![cause],
    }
}

/// Returns the credentials in the environment, as every other tool reads them: whoever starts the gateway may sign with
/// them.
pub(crate) fn of_environment() -> Option<Credential> {
    Some(Credential {
        access_key_id: env::var("AWS_ACCESS_KEY_ID")?,
        secret_access_key: Secret::new(env::var("AWS_SECRET_ACCESS_KEY")?),
        session_token: env::var("AWS_SESSION_TOKEN").map(Secret::new),
        user: "environment".to_owned(),
        policy: None,
    })
}

/// Returns the signer of handshakes for a target, with the credentials of the target's calls. A local gateway takes
/// anybody's calls but verifies handshakes, so there it is a signer with credentials that the gateway knows: those of
/// the environment, else the first of the settings.
///
/// # Errors
/// Fails when there are no such credentials.
pub(crate) fn handshake_signer(settings: &Settings, control: &Control) -> Result<Signer, Failure> {
    let title = "Cannot sign the handshake";
    if !matches!(control.target(), Target::Local(_)) {
        return control.signer().map_err(|error| error.failure(title));
    }
    let of_settings = || settings.gateway_credentials.first();
    let known = of_environment().or_else(|| {
        let first = of_settings()?;
        Some(Credential {
            access_key_id: first.access_key_id.clone(),
            secret_access_key: first.secret_access_key.clone(),
            session_token: first.session_token.clone(),
            user: first.user.clone(),
            policy: None,
        })
    });
    let known = known.ok_or_else(|| {
        Failure::new(FailureKind::Config, title)
            .cause("there are no credentials that a local gateway knows")
            .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for both, or write [[gateway.credentials]] into the settings")
    })?;
    Ok(Signer::with_keys(
        &known.access_key_id,
        &known.secret_access_key,
        known.session_token.as_ref(),
        control.region(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(policy_file: Option<&Path>) -> Settings {
        Settings {
            gateway_credentials: vec![GatewayCredential {
                access_key_id: "AKIDALICE".to_owned(),
                secret_access_key: Secret::new("secret"),
                session_token: None,
                user: "alice".to_owned(),
                policy_file: policy_file.map(Path::to_owned),
            }],
            ..Settings::default()
        }
    }

    #[test]
    fn a_policy_file_is_read_with_its_credential() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alice.json");
        fs::write(
            &file,
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        )
        .unwrap();
        let keyring = keyring(&settings(Some(&file))).unwrap();
        assert!(keyring.credentials[0].policy.is_some());
    }

    #[test]
    fn a_policy_that_is_none_is_a_failure_that_names_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alice.json");
        let missing = keyring(&settings(Some(&file))).unwrap_err();
        assert!(missing.title.contains("alice.json"), "{missing}");
        for text in ["{", r#"{"Statement":[{"Effect":"Allow"}]}"#] {
            fs::write(&file, text).unwrap();
            let failure = keyring(&settings(Some(&file))).unwrap_err();
            assert!(failure.title.contains("alice.json"), "{failure}");
            assert_eq!(failure.causes.len(), 1, "{failure}");
        }
    }
}
