//! Credentials that sign the calls, found quickly or not at all.
//!
//! A profile that was asked for by name is the only source then, as with the AWS CLI's `--profile`; otherwise the SDK's
//! default chain decides. They are resolved once before the first call, so that a missing login is told at once and in
//! our words, and again by the SDK when they expire.

use std::{error::Error as StdError, sync::Mutex, time::Duration};

use aws_config::{
    default_provider::credentials::DefaultCredentialsChain,
    environment::EnvironmentVariableCredentialsProvider, imds,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_sdk_apigatewayv2::config::{Region, SharedHttpClient};
use aws_smithy_http_client::Builder;
use sha2::{Digest, Sha256};

use super::{Error, ErrorKind, error::innermost, profiles};
use crate::model::target::AwsTarget;

/// Longest wait for a connection to instance metadata, which answers within a millisecond where it exists.
const METADATA_CONNECT: Duration = Duration::from_millis(500);

/// Longest wait for one answer of instance metadata.
const METADATA_READ: Duration = Duration::from_secs(1);

/// The sources that the default chain asks, in order.
const CHAIN: &str = "AWS_ACCESS_KEY_ID, the default profile, a web identity token, the container or instance metadata";

/// Credentials for an emulator, which asks for a signature and checks none.
pub(super) fn dummy() -> SharedCredentialsProvider {
    // The shape of an access key id keeps emulators happy that look at it.
    SharedCredentialsProvider::new(Credentials::new(
        "AKIAIOSFODNN7EXAMPLE",
        "stagewire",
        None,
        None,
        "stagewire-local",
    ))
}

/// Credentials for an endpoint on this machine: the profile's if one was asked for, the environment's if it has any, else
/// none.
pub(super) async fn for_local_endpoint(
    aws: &AwsTarget,
    region: &Region,
    http_client: SharedHttpClient,
) -> Result<Option<SharedCredentialsProvider>, Error> {
    if let Some(profile) = &aws.profile {
        profiles::check_exists(profile).await?;
        let config = ProviderConfig::without_region()
            .with_http_client(http_client)
            .with_region(Some(region.clone()));
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile);
        return Ok(Some(SharedCredentialsProvider::new(provider.build())));
    }
    let environment = EnvironmentVariableCredentialsProvider::new();
    let credentials = environment.provide_credentials().await.ok();
    Ok(credentials.map(SharedCredentialsProvider::new))
}

/// Credentials for AWS, and the account where they name it.
pub(super) async fn for_aws(
    aws: &AwsTarget,
    region: &Region,
    http_client: SharedHttpClient,
    patience: Duration,
) -> Result<(SharedCredentialsProvider, Option<String>), Error> {
    let config = ProviderConfig::without_region()
        .with_http_client(http_client)
        .with_region(Some(region.clone()));
    let chain = if let Some(profile) = &aws.profile {
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile)
            .build();
        SharedCredentialsProvider::new(provider)
    } else {
        // A proxy has no business between a machine and its own metadata.
        let direct = config.clone().with_http_client(Builder::new().build_http());
        let provider = DefaultCredentialsChain::builder()
            .region(region.clone())
            .imds_client(metadata_client(&direct))
            .configure(config)
            .build()
            .await;
        SharedCredentialsProvider::new(provider)
    };
    let first = tokio::time::timeout(patience, chain.provide_credentials()).await;
    match first {
        Ok(Ok(credentials)) => {
            let account = account(aws, &credentials);
            let first = Mutex::new(Some(credentials));
            Ok((
                SharedCredentialsProvider::new(FirstKnown { first, chain }),
                account,
            ))
        }
        Ok(Err(error)) => Err(none(aws.profile.as_deref(), &error)),
        Err(_) => Err(Error::new(
            ErrorKind::NoCredentials,
            "",
            format!("no credentials within {} s", patience.as_secs()),
        )),
    }
}

/// Returns the account of the credentials, or a digest of the access key where they name no account; none for a
/// profile's credentials that name no account.
fn account(aws: &AwsTarget, credentials: &Credentials) -> Option<String> {
    if let Some(account) = credentials.account_id() {
        return Some(account.as_str().to_owned());
    }
    // Keys in the environment may be anybody's. They are not kept anywhere, so what stands for them cannot be turned back.
    let digest = Sha256::digest(credentials.access_key_id().as_bytes());
    let mut bits = [0; 8];
    bits.copy_from_slice(&digest[..8]);
    let key = format!("key {:016x}", u64::from_be_bytes(bits));
    aws.profile.is_none().then_some(key)
}

/// A client of instance metadata that gives up soon: off EC2 nothing ever answers.
pub(super) fn metadata_client(config: &ProviderConfig) -> imds::Client {
    imds::Client::builder()
        .configure(config)
        .connect_timeout(METADATA_CONNECT)
        .read_timeout(METADATA_READ)
        .max_attempts(1)
        .build()
}

fn none(profile: Option<&str>, error: &CredentialsError) -> Error {
    let reason = match error {
        CredentialsError::CredentialsNotLoaded(_) => None,
        other => other.source().map(innermost),
    };
    let message = match (profile, reason) {
        (Some(profile), None) => format!("profile {profile:?} holds no credentials"),
        (Some(profile), Some(reason)) => {
            format!("the credentials of profile {profile:?} cannot be used: {reason}")
        }
        (None, None) => format!("no credentials: tried {CHAIN}"),
        (None, Some(reason)) => format!("no usable credentials from {CHAIN}: {reason}"),
    };
    Error::new(ErrorKind::NoCredentials, "", message)
}

/// Hands out the credentials that are known already, then asks the chain.
#[derive(Debug)]
struct FirstKnown {
    first: Mutex<Option<Credentials>>,
    chain: SharedCredentialsProvider,
}

impl ProvideCredentials for FirstKnown {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self.first.lock().ok().and_then(|mut first| first.take());
        match first {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.chain.provide_credentials(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_names_what_was_tried() {
        let nothing = CredentialsError::not_loaded("nothing there");
        let failure = none(None, &nothing).failure("Cannot list the APIs");
        for word in ["AWS_ACCESS_KEY_ID", "profile", "web identity", "metadata"] {
            assert!(failure.causes[0].contains(word), "{failure}");
        }
        assert!(failure.hint.is_some());
        let forbidden = CredentialsError::provider_error("metadata is switched off");
        let failure = none(None, &forbidden).failure("Cannot list the APIs");
        for word in ["AWS_ACCESS_KEY_ID", "metadata is switched off"] {
            assert!(failure.causes[0].contains(word), "{failure}");
        }
        let failure = none(Some("work"), &nothing).failure("Cannot list the APIs");
        assert_eq!(failure.causes, ["profile \"work\" holds no credentials"]);
    }

    #[tokio::test]
    async fn credentials_that_are_known_are_not_asked_for_again() {
        let known = Credentials::new("first", "x", None, None, "test");
        let provider = FirstKnown {
            first: Mutex::new(Some(known)),
            chain: dummy(),
        };
        let first = provider.provide_credentials().await.unwrap();
        let second = provider.provide_credentials().await.unwrap();
        assert_eq!(first.access_key_id(), "first");
        assert_ne!(second.access_key_id(), "first");
    }
}
