//! Custom domain names: each region has its own.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{
    call::Call,
    check,
    error::ApiError,
    ids,
    wire::{self, Reply, Texts},
};
use crate::gateway::store::{
    Draft, View,
    record::{DomainConfigurationRecord, DomainNameRecord, MutualTlsRecord},
};

/// SOURCE: quotas: custom domain names per account and region.
const MOST: usize = 120;
/// SOURCE: the DNS: characters of a name; the service model has 512.
const NAME_CHARS: RangeInclusive<usize> = 1..=253;
const ADDRESS_TYPES: &[&str] = &["ipv4", "dualstack"];
const ROUTING_MODES: &[&str] = &[
    "API_MAPPING_ONLY",
    "ROUTING_RULE_ONLY",
    "ROUTING_RULE_THEN_API_MAPPING",
];
// SOURCE: the guide: how the mapping is selected is not to be chosen.
const SELECTION: &str = "$request.basepath";
// SOURCE: the general reference, "Amazon API Gateway endpoints and quotas": the zone of each region's regional endpoints.
// GUESS: a region that is not here, such as one that was made up, has the first one's.
const HOSTED_ZONES: &[(&str, &str)] = &[
    ("us-east-1", "Z1UJRXOUMOOFQ8"),
    ("us-east-2", "ZOJJZC49E0EPZ"),
    ("us-west-1", "Z2MUQ32089INYE"),
    ("us-west-2", "Z2OJLYMUO9EFXC"),
    ("af-south-1", "Z2DHW2332DAMTN"),
    ("ap-east-1", "Z3FD1VL90ND7K5"),
    ("ap-northeast-1", "Z1YSHQZHG15GKL"),
    ("ap-northeast-2", "Z20JF4UZKIW1U8"),
    ("ap-northeast-3", "Z22ILHG95FLSZ2"),
    ("ap-south-1", "Z3VO1THU9YC4UR"),
    ("ap-southeast-1", "ZL327KTPIQFUL"),
    ("ap-southeast-2", "Z2RPCDW04V8134"),
    ("ca-central-1", "Z19DQILCV0OWEC"),
    ("eu-central-1", "Z1U9ULNL0V5AJ3"),
    ("eu-west-1", "ZLY8HYME6SFDD"),
    ("eu-west-2", "ZJ5UAJN8Y3Z2Q"),
    ("eu-west-3", "Z3KY65QIEKYHQQ"),
];

/// The input of `CreateDomainName` and `UpdateDomainName`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DomainNameInput {
    domain_name: Option<String>,
    #[serde(deserialize_with = "wire::items")]
    domain_name_configurations: Option<Vec<ConfigurationInput>>,
    #[serde(deserialize_with = "wire::object")]
    mutual_tls_authentication: Option<MutualTls>,
    routing_mode: Option<String>,
    tags: Option<Texts>,
}

/// The configuration of a domain name, which states how it is reached; the members that AWS fills in are passed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigurationInput {
    certificate_arn: Option<String>,
    certificate_name: Option<String>,
    ownership_verification_certificate_arn: Option<String>,
    endpoint_type: Option<String>,
    ip_address_type: Option<String>,
    security_policy: Option<String>,
}

/// The trust store for the certificates that clients must bring.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MutualTls {
    #[serde(skip_serializing_if = "Option::is_none")]
    truststore_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truststore_version: Option<String>,
}

/// A custom domain name on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DomainNameOutput {
    api_mapping_selection_expression: &'static str,
    domain_name: String,
    domain_name_arn: String,
    domain_name_configurations: [ConfigurationOutput; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    mutual_tls_authentication: Option<MutualTls>,
    routing_mode: String,
    tags: Texts,
}

/// The configuration of a domain name on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationOutput {
    api_gateway_domain_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_name: Option<String>,
    domain_name_status: &'static str,
    endpoint_type: String,
    hosted_zone_id: String,
    ip_address_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ownership_verification_certificate_arn: Option<String>,
    security_policy: String,
}

fn show(region: &str, domain: DomainNameRecord) -> DomainNameOutput {
    let configuration = domain.configuration;
    DomainNameOutput {
        api_mapping_selection_expression: SELECTION,
        domain_name_arn: format!(
            "arn:aws:apigateway:{region}::/domainnames/{}",
            domain.domain_name
        ),
        domain_name: domain.domain_name,
        domain_name_configurations: [ConfigurationOutput {
            api_gateway_domain_name: configuration.api_gateway_domain_name,
            certificate_arn: configuration.certificate_arn,
            certificate_name: configuration.certificate_name,
            // AWS says `UPDATING` for minutes; there is nothing here to wait for.
            domain_name_status: "AVAILABLE",
            endpoint_type: configuration.endpoint_type,
            hosted_zone_id: configuration.hosted_zone_id,
            ip_address_type: configuration.ip_address_type,
            ownership_verification_certificate_arn: configuration
                .ownership_verification_certificate_arn,
            security_policy: configuration.security_policy,
        }],
        mutual_tls_authentication: domain.mutual_tls.map(|mutual_tls| MutualTls {
            truststore_uri: Some(mutual_tls.truststore_uri),
            truststore_version: mutual_tls.truststore_version,
        }),
        routing_mode: domain.routing_mode,
        tags: domain.tags,
    }
}

/// Returns the custom domain name, or the refusal that says there is none.
// SOURCE: the text was seen for mappings of a name that was not there.
pub(super) fn find(
    view: &View<'_>,
    region: &str,
    name: &str,
) -> Result<DomainNameRecord, ApiError> {
    view.get(region, name)?
        .ok_or_else(|| ApiError::not_found("Invalid domain name identifier specified"))
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: DomainNameInput = call.body()?;
    let region = call.region.clone();
    let domain = call.store.write(move |draft| add(draft, &region, &input))?;
    Ok(Reply::json(&show(&call.region, domain)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let domains = call.store.read(|view| {
        let page = view.page(&call.region, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(domains, &paging, |domain| {
        show(&call.region, domain)
    })))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let name = call.label("domainName");
    let domain = call.store.read(|view| find(view, &call.region, &name))?;
    Ok(Reply::json(&show(&call.region, domain)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: DomainNameInput = call.body()?;
    let (region, name) = (call.region.clone(), call.label("domainName"));
    let domain = call.store.write(move |draft| {
        let domain = find(draft, &region, &name)?;
        change(draft, &region, domain, &input)
    })?;
    Ok(Reply::json(&show(&call.region, domain)))
}

// GUESS: the mappings go with their domain name.
pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let (region, name) = (call.region.clone(), call.label("domainName"));
    call.store.write(move |draft| {
        find(draft, &region, &name)?;
        draft.remove_domain_name(&region, &name)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(Reply::empty())
}

fn add(
    draft: &mut Draft<'_>,
    region: &str,
    input: &DomainNameInput,
) -> Result<DomainNameRecord, ApiError> {
    let name = check::required("domainName", input.domain_name.as_ref())?;
    check_name(name)?;
    check::tags(input.tags.as_ref())?;
    one(input.domain_name_configurations.as_deref().unwrap_or(&[]))?;
    if draft.get::<DomainNameRecord>(region, name)?.is_some() {
        // SOURCE: seen with 400, not 409.
        return Err(ApiError::bad_request(
            "The domain name you provided already exists.",
        ));
    }
    if draft.count::<DomainNameRecord>(region)? >= MOST {
        return Err(ApiError::quota_of("DomainNames", "account"));
    }
    let label = ids::random(10);
    let blank = DomainNameRecord {
        domain_name: name.clone(),
        configuration: DomainConfigurationRecord {
            api_gateway_domain_name: format!("d-{label}.execute-api.{region}.amazonaws.com"),
            hosted_zone_id: hosted_zone(region).to_owned(),
            certificate_arn: None,
            certificate_name: None,
            ownership_verification_certificate_arn: None,
            endpoint_type: "REGIONAL".to_owned(),
            ip_address_type: ADDRESS_TYPES[0].to_owned(),
            security_policy: "TLS_1_2".to_owned(),
        },
        mutual_tls: None,
        routing_mode: ROUTING_MODES[0].to_owned(),
        tags: input.tags.clone().unwrap_or_default(),
    };
    change(draft, region, blank, input)
}

fn hosted_zone(region: &str) -> &'static str {
    let zone = HOSTED_ZONES.iter().find(|(known, _)| *known == region);
    zone.unwrap_or(&HOSTED_ZONES[0]).1
}

fn change(
    draft: &mut Draft<'_>,
    region: &str,
    mut domain: DomainNameRecord,
    input: &DomainNameInput,
) -> Result<DomainNameRecord, ApiError> {
    let mode = check::kept(input.routing_mode.as_ref());
    check::one_of("routingMode", mode.as_ref(), ROUTING_MODES)?;
    if mode.is_some_and(|mode| mode != ROUTING_MODES[0]) {
        return Err(ApiError::bad_request(
            "The local gateway has no routing rules; routingMode must be API_MAPPING_ONLY",
        ));
    }
    if let Some(configurations) = &input.domain_name_configurations {
        configure(&mut domain.configuration, one(configurations)?, region)?;
    }
    if let Some(mutual_tls) = &input.mutual_tls_authentication {
        domain.mutual_tls = trust(domain.mutual_tls, mutual_tls)?;
    }
    draft.put_domain_name(region, &domain)?;
    Ok(domain)
}

fn one(configurations: &[ConfigurationInput]) -> Result<&ConfigurationInput, ApiError> {
    match configurations {
        [configuration] => Ok(configuration),
        _ => Err(ApiError::bad_request(
            "Invalid input. Expected one domain name configuration",
        )),
    }
}

fn configure(
    kept: &mut DomainConfigurationRecord,
    given: &ConfigurationInput,
    region: &str,
) -> Result<(), ApiError> {
    let endpoint = check::kept(given.endpoint_type.as_ref());
    if endpoint.as_deref() == Some("EDGE") {
        return Err(ApiError::bad_request(
            "EDGE endpoint type is not supported for APIGatewayV2 domainName",
        ));
    }
    check::one_of("endpointType", endpoint.as_ref(), &["REGIONAL", "EDGE"])?;
    let policy = check::kept(given.security_policy.as_ref());
    if policy.as_deref() == Some("TLS_1_0") {
        return Err(ApiError::bad_request(
            "Only REGIONAL domain names with a security policy of TLS 1.2 can be managed through the API Gateway V2 API.",
        ));
    }
    check::one_of("securityPolicy", policy.as_ref(), &["TLS_1_2", "TLS_1_0"])?;
    let address_type = check::kept(given.ip_address_type.as_ref());
    check::one_of("ipAddressType", address_type.as_ref(), ADDRESS_TYPES)?;
    kept.ip_address_type = address_type.unwrap_or_else(|| kept.ip_address_type.clone());
    let certificate_name = given.certificate_name.as_ref();
    check::length("certificateName", certificate_name, 0..=128)?;
    check::patch(&mut kept.certificate_name, certificate_name);
    check::patch(&mut kept.certificate_arn, given.certificate_arn.as_ref());
    let verification = given.ownership_verification_certificate_arn.as_ref();
    check::arn(verification)?;
    check::patch(
        &mut kept.ownership_verification_certificate_arn,
        verification,
    );
    check_certificate(kept.certificate_arn.as_deref(), region)
}

/// Returns the trust store that a domain name keeps. An empty location turns the demand for certificates off.
fn trust(
    kept: Option<MutualTlsRecord>,
    given: &MutualTls,
) -> Result<Option<MutualTlsRecord>, ApiError> {
    check::length(
        "mutualTlsAuthentication.truststoreUri",
        given.truststore_uri.as_ref(),
        0..=2048,
    )?;
    check::length(
        "mutualTlsAuthentication.truststoreVersion",
        given.truststore_version.as_ref(),
        0..=64,
    )?;
    let kept_uri = kept.as_ref().map(|kept| kept.truststore_uri.clone());
    let uri = given.truststore_uri.clone().or(kept_uri);
    let Some(uri) = uri.filter(|uri| !uri.is_empty()) else {
        return Ok(None);
    };
    if !uri.starts_with("s3://") {
        // GUESS: the text. SOURCE of the form: the service model's own example.
        return Err(ApiError::bad_request(format!(
            "Invalid truststoreUri: {uri}. It must be of the form s3://bucket-name/key-name"
        )));
    }
    let mut version = kept.and_then(|kept| kept.truststore_version);
    check::patch(&mut version, given.truststore_version.as_ref());
    Ok(Some(MutualTlsRecord {
        truststore_uri: uri,
        truststore_version: version,
    }))
}

// SOURCE: seen for another region's certificate. GUESS: that one is demanded.
fn check_certificate(arn: Option<&str>, region: &str) -> Result<(), ApiError> {
    let arn = arn.unwrap_or_default();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let of_region = match parts[..] {
        ["arn", _, "acm", of_region, _, name] if name.starts_with("certificate/") => of_region,
        _ => {
            return Err(ApiError::bad_request(format!(
                "Invalid certificate ARN: {arn}"
            )));
        }
    };
    if of_region != region {
        return Err(ApiError::bad_request(format!(
            "Invalid certificate ARN: {arn}. Certificate must be in '{region}'."
        )));
    }
    Ok(())
}

/// SOURCE: the guide: lower-case letters, digits, hyphens and dots, with `*.` for all names of one level. GUESS: the
/// text.
fn check_name(name: &str) -> Result<(), ApiError> {
    if name.contains('_') {
        // SOURCE: seen for such a name.
        return Err(ApiError::bad_request(
            "Domain names cannot contain an underscore character",
        ));
    }
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_name =
        NAME_CHARS.contains(&name.len()) && rest.contains('.') && rest.split('.').all(is_label);
    if is_name {
        Ok(())
    } else {
        Err(ApiError::bad_request(format!(
            "Invalid domain name specified: {name}"
        )))
    }
}
