//! The AWS CLI commands that do what a plan does, ready to be pasted into a shell.

use std::borrow::Cow;

use crate::model::{DeploymentId, StageName, Target};

/// What stands for the id of the deployment that does not exist yet.
const NEW: &str = "<new>";

/// `aws apigatewayv2 create-deployment …`
pub(super) fn create_deployment(target: &Target, api_id: &str, description: &str) -> String {
    command(
        target,
        "create-deployment",
        &[("--api-id", api_id), ("--description", description)],
    )
}

/// `aws apigatewayv2 create-stage …`, serving that deployment, or the one that does not exist yet.
pub(super) fn create_stage(
    target: &Target,
    api_id: &str,
    stage: &StageName,
    id: Option<&DeploymentId>,
) -> String {
    on_stage(target, "create-stage", (api_id, stage), id)
}

/// `aws apigatewayv2 update-stage …`, to that deployment, or to the one that does not exist yet.
pub(super) fn update_stage(
    target: &Target,
    api_id: &str,
    stage: &StageName,
    id: Option<&DeploymentId>,
) -> String {
    on_stage(target, "update-stage", (api_id, stage), id)
}

/// `aws apigatewayv2 update-stage … --no-auto-deploy`
pub(super) fn no_auto_deploy(target: &Target, api_id: &str, stage: &StageName) -> String {
    let arguments = [("--api-id", api_id), ("--stage-name", stage.as_str())];
    let command = command(target, "update-stage", &arguments);
    format!("{command} --no-auto-deploy")
}

/// `aws apigatewayv2 get-deployments …`
pub(super) fn get_deployments(target: &Target, api_id: &str) -> String {
    command(target, "get-deployments", &[("--api-id", api_id)])
}

/// `aws apigatewayv2 get-stage …`
pub(super) fn get_stage(target: &Target, api_id: &str, stage: &StageName) -> String {
    let arguments = [("--api-id", api_id), ("--stage-name", stage.as_str())];
    command(target, "get-stage", &arguments)
}

/// `aws apigatewayv2 delete-deployment …`
pub(super) fn delete_deployment(target: &Target, api_id: &str, id: &DeploymentId) -> String {
    let arguments = [("--api-id", api_id), ("--deployment-id", id.as_str())];
    command(target, "delete-deployment", &arguments)
}

fn on_stage(
    target: &Target,
    operation: &str,
    (api_id, stage): (&str, &StageName),
    id: Option<&DeploymentId>,
) -> String {
    command(
        target,
        operation,
        &[
            ("--api-id", api_id),
            ("--stage-name", stage.as_str()),
            ("--deployment-id", id.map_or(NEW, DeploymentId::as_str)),
        ],
    )
}

fn command(target: &Target, operation: &str, arguments: &[(&str, &str)]) -> String {
    let options = match target {
        Target::Local(local) => vec![
            ("--endpoint-url", Some(local.endpoint_url())),
            ("--region", Some(local.region.clone())),
        ],
        Target::Aws(aws) => vec![
            ("--profile", aws.profile.clone()),
            ("--region", aws.region.clone()),
            ("--endpoint-url", aws.endpoint_url.clone()),
        ],
    };
    let mut words = vec![format!("aws apigatewayv2 {operation}")];
    let options = options
        .iter()
        .map(|(name, value)| (*name, value.as_deref()));
    let arguments = arguments.iter().map(|(name, value)| (*name, Some(*value)));
    for (name, value) in options.chain(arguments) {
        if let Some(value) = value {
            words.push(format!("{name} {}", quote(value)));
        }
    }
    words.join(" ")
}

/// The text as one word of a POSIX shell.
fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{AwsTarget, LocalTarget};

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        for (text, word) in [
            ("k3v9x2a1bc", "k3v9x2a1bc"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("add join route", "'add join route'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("<new>", "'<new>'"),
            ("", "''"),
        ] {
            assert_eq!(quote(text), word);
        }
    }

    #[test]
    fn commands_name_the_target() {
        let local = Target::Local(LocalTarget {
            address: "127.0.0.1:4566".parse().unwrap(),
            region: "us-east-1".into(),
        });
        assert_eq!(
            create_deployment(&local, "k3v9x2a1bc", "add join"),
            "aws apigatewayv2 create-deployment --endpoint-url http://127.0.0.1:4566 --region us-east-1 --api-id k3v9x2a1bc --description 'add join'"
        );
        let work = Target::Aws(AwsTarget {
            profile: Some("my work".into()),
            ..AwsTarget::default()
        });
        let stage = StageName::parse("test").unwrap();
        assert_eq!(
            update_stage(&work, "k3v9x2a1bc", &stage, None),
            "aws apigatewayv2 update-stage --profile 'my work' --api-id k3v9x2a1bc --stage-name test --deployment-id '<new>'"
        );
    }
}
