//! The AWS CLI commands that do what a deploy does.

use crate::{
    model::{DeploymentId, StageName, Target},
    ops::command as aws_cli,
};

/// The word that stands for the id of the deployment that does not exist yet.
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
    let arguments = [
        ("--api-id", Some(api_id)),
        ("--stage-name", Some(stage.as_str())),
        ("--no-auto-deploy", None),
    ];
    aws_cli::command(target, "update-stage", arguments)
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
    let arguments = arguments.iter().map(|(name, value)| (*name, Some(*value)));
    aws_cli::command(target, operation, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{AwsTarget, LocalTarget};

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
