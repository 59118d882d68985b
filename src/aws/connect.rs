//! From a target to a client that can call it: region, credentials, endpoint, timeouts, retries, HTTP and TLS.
//!
//! A local gateway and any other plain-HTTP endpoint on this machine get a client that needs no TLS, no shared
//! configuration and no credentials of anybody: AWS itself is never reached that way, so whatever answers there is an
//! emulator, and a client for it must cost nothing.

use std::{path::PathBuf, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, environment::EnvironmentVariableRegionProvider,
    imds::region::ImdsRegionProvider, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider, provider_config::ProviderConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_apigatewayv2::{
    Client,
    config::{
        Config, Region, SharedHttpClient,
        endpoint::{DefaultResolver, Params, ResolveEndpoint},
        retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use super::{Error, ErrorKind, call::Operations, credentials, names::Names};
use crate::model::{Target, host::is_loopback, pace::CallLimits, target::AwsTarget, text};

/// The region of a local endpoint when nobody names one.
pub(super) const USUAL_REGION: &str = "us-east-1";

/// The patience of the calls, and what the target is known to allow.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the answer to one attempt.
    pub attempt_timeout: Duration,
    /// The longest time for the attempts of a call before it is not tried again; waits for its turn do not count.
    pub call_timeout: Duration,
    /// Longest wait for credentials, which a profile may have to fetch over the network or from another program.
    pub credentials_timeout: Duration,
    /// The first pause before a call is repeated; each further one is twice as long.
    pub first_backoff: Duration,
    /// The limits of the target's calls, as far as somebody said.
    pub limits: CallLimits,
    /// True where a stage that was moved settles only after a while; `None` is yes on AWS's hosts, no elsewhere.
    pub settles: Option<bool>,
    /// The directory in which the programs on this machine share the budget of an account's calls; none keeps a budget of
    /// one's own.
    pub budget_dir: Option<PathBuf>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            credentials_timeout: Duration::from_secs(10),
            first_backoff: Duration::from_millis(300),
            limits: CallLimits::default(),
            settles: None,
            budget_dir: None,
        }
    }
}

/// A client that is ready, and where its calls go.
pub(super) struct Connected {
    pub(super) operations: Operations,
    pub(super) endpoint: String,
    pub(super) region: String,
    /// The credentials that sign the calls; none where the signature stands for nobody.
    pub(super) credentials: Option<SharedCredentialsProvider>,
    /// The account, where the credentials name it.
    pub(super) account: Option<String>,
}

/// Makes the client for the target.
pub(super) async fn connect(target: &Target, tuning: &Tuning) -> Result<Connected, Error> {
    match target {
        Target::Local(local) => {
            let region = Region::new(local.region.clone());
            Ok(local_client(local.endpoint_url(), region, None, tuning))
        }
        Target::Aws(aws) => match &aws.endpoint_url {
            Some(url) if is_plain_loopback(&parse_endpoint(url)?) => {
                emulator_client(aws, url, tuning).await
            }
            _ => aws_client(aws, tuning).await,
        },
    }
}

/// Makes the client for an endpoint on this machine that is no gateway of ours.
async fn emulator_client(aws: &AwsTarget, url: &str, tuning: &Tuning) -> Result<Connected, Error> {
    let region = region_provider(aws).region().await;
    let region = region.unwrap_or_else(|| Region::new(USUAL_REGION));
    let credentials = credentials::for_local_endpoint(aws, &region, https_client()).await?;
    Ok(local_client(url.to_owned(), region, credentials, tuning))
}

fn local_client(
    endpoint: String,
    region: Region,
    credentials: Option<SharedCredentialsProvider>,
    tuning: &Tuning,
) -> Connected {
    let name = region.as_ref().to_owned();
    let provider = credentials.clone().unwrap_or_else(credentials::dummy);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .endpoint_url(&endpoint)
        .credentials_provider(provider)
        .http_client(http_client())
        .timeout_config(timeouts(tuning))
        .retry_config(RetryConfig::disabled())
        .build();
    Connected {
        operations: Operations::of(Client::from_conf(config)),
        endpoint,
        region: name,
        credentials,
        account: None,
    }
}

async fn aws_client(aws: &AwsTarget, tuning: &Tuning) -> Result<Connected, Error> {
    let asked_for = aws.endpoint_url.as_deref();
    if let Some(url) = asked_for {
        parse_endpoint(url)?;
    }
    check_trust(asked_for.unwrap_or_default()).await?;
    if let Some(profile) = &aws.profile {
        super::profiles::check_exists(profile).await?;
    }
    let region = match region_provider(aws).region().await {
        Some(region) => region,
        None => region_of_the_machine().await.ok_or_else(no_region)?,
    };
    let http_client = https_client();
    let (provider, account) = credentials::for_aws(
        aws,
        &region,
        http_client.clone(),
        tuning.credentials_timeout,
    )
    .await?;
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .credentials_provider(provider.clone())
        .http_client(http_client)
        .timeout_config(timeouts(tuning))
        .retry_config(RetryConfig::disabled());
    let sdk_config = with_target(loader, aws).load().await;
    let endpoint = endpoint_in_force(&sdk_config, aws, &region).await;
    Ok(Connected {
        operations: Operations::of(Client::new(&sdk_config)),
        endpoint,
        region: region.as_ref().to_owned(),
        credentials: Some(provider),
        account,
    })
}

fn with_target(loader: ConfigLoader, aws: &AwsTarget) -> ConfigLoader {
    let loader = match &aws.profile {
        Some(profile) => loader.profile_name(profile),
        None => loader,
    };
    match &aws.endpoint_url {
        Some(url) => loader.endpoint_url(url),
        None => loader,
    }
}

/// Region of the target, of the environment, of the profile; never of instance metadata, which may take its time.
fn region_provider(aws: &AwsTarget) -> RegionProviderChain {
    let profile = ProfileFileRegionProvider::builder();
    let profile = match &aws.profile {
        Some(name) => profile.profile_name(name),
        None => profile,
    };
    RegionProviderChain::first_try(aws.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
}

async fn region_of_the_machine() -> Option<Region> {
    let config = ProviderConfig::without_region().with_http_client(Builder::new().build_http());
    ImdsRegionProvider::builder()
        .imds_client(credentials::metadata_client(&config))
        .build()
        .region()
        .await
}

fn no_region() -> Error {
    let message = "no region: tried AWS_REGION, AWS_DEFAULT_REGION, the profile in the shared configuration and instance metadata";
    Error::new(ErrorKind::NoRegion, "", message)
}

/// The URL that the SDK will call: an endpoint of one's own from wherever one can be configured, or AWS's.
async fn endpoint_in_force(config: &SdkConfig, aws: &AwsTarget, region: &Region) -> String {
    if let Some(url) = &aws.endpoint_url {
        return url.clone();
    }
    let key = ServiceConfigKey::builder()
        .service_id("ApiGatewayV2")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let configured = config
        .service_config()
        .zip(key.ok())
        .and_then(|(service, key)| service.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned));
    if let Some(url) = configured {
        return url;
    }
    let usual = format!("https://apigateway.{region}.amazonaws.com");
    let params = Params::builder()
        .region(region.as_ref())
        .use_fips(config.use_fips().unwrap_or_default())
        .use_dual_stack(config.use_dual_stack().unwrap_or_default())
        .build();
    match params {
        Ok(params) => match DefaultResolver::new().resolve_endpoint(&params).await {
            Ok(endpoint) => endpoint.url().to_owned(),
            Err(_) => usual,
        },
        Err(_) => usual,
    }
}

/// A client for plain HTTP on this machine. Only a client that could speak TLS takes a resolver, so this one trusts
/// nobody, and reads no certificates.
fn http_client() -> SharedHttpClient {
    let nobody = TlsContext::builder()
        .with_trust_store(TrustStore::empty())
        .build()
        .expect("invariant: nothing is wrong with an empty trust store");
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(nobody)
        .build_with_resolver(Names)
}

/// The SDK's own client does not look at `HTTPS_PROXY`; this one does.
fn https_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_with_resolver(Names)
    })
}

/// Without a certificate authority every TLS handshake fails with words that help nobody, so this is asked first.
async fn check_trust(endpoint: &str) -> Result<(), Error> {
    let roots = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    match roots {
        Ok(roots) if roots.certs.is_empty() => Err(Error::new(
            ErrorKind::NoTrust,
            endpoint,
            "this machine has no certificate authorities to trust, so no TLS connection can be checked",
        )),
        // A check that could not run says nothing; the handshake will.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn timeouts(tuning: &Tuning) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(tuning.connect_timeout)
        .operation_attempt_timeout(tuning.attempt_timeout)
        .build()
}

fn parse_endpoint(url: &str) -> Result<Uri, Error> {
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        .ok_or_else(|| {
            let message = format!("{:?} is not an endpoint URL", text::printable(url));
            Error::new(ErrorKind::BadEndpoint, url, message)
        })
}

fn is_plain_loopback(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && uri.host().is_some_and(is_loopback)
}

/// True when the calls to this URL reach AWS itself, whose rates are known.
pub(super) fn is_aws(endpoint: &str) -> bool {
    let uri: Option<Uri> = endpoint.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    // SOURCE: the endpoint rules in the SDK: the partitions' suffixes, and that of dual-stack names.
    let suffixes = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".amazonaws.eu",
        ".api.aws",
        ".api.amazonwebservices.com.cn",
        ".api.amazonwebservices.eu",
    ];
    suffixes.iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_is_known_by_its_hosts() {
        for url in [
            "https://apigateway.eu-west-1.amazonaws.com",
            "https://apigateway-fips.us-east-1.api.aws",
            "https://apigateway.cn-north-1.amazonaws.com.cn",
            "https://vpce-1-2.apigateway.us-east-1.vpce.amazonaws.com/",
        ] {
            assert!(is_aws(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:4566",
            "https://amazonaws.com.example.com",
            "https://example.com/amazonaws.com",
            "",
        ] {
            assert!(!is_aws(url), "{url}");
        }
    }

    #[test]
    fn an_endpoint_needs_scheme_and_host() {
        for url in ["", "127.0.0.1:4566", "localhost", "ftp://x", "http://"] {
            let error = parse_endpoint(url).unwrap_err();
            assert_eq!(error.kind, ErrorKind::BadEndpoint, "{url}");
            assert!(error.failure("Cannot connect").hint.is_some());
        }
        assert!(parse_endpoint("http://127.0.0.1:4566/").is_ok());
    }
}
