//! The AWS CLI commands that do what a deploy does, and those for whoever is left with a part of one.

use crate::{
    aws::{Control, Error},
    model::{ApiId, DeploymentId, StageName, Target, file::StageFile, plan::StageChoice},
    ops::command::commands,
};

/// The word that stands for the id of the deployment that does not exist yet.
const NEW: &str = "<new>";

/// The commands that freeze the draft and make the stage serve the deployment.
pub(super) fn deploy(
    target: &Target,
    api: &ApiId,
    stage: &StageChoice,
    description: &str,
) -> Vec<String> {
    commands(target, NEW, async |control| {
        let deployment = control.create_deployment(api, Some(description)).await?;
        make_serve(control, api, stage, &deployment.id).await
    })
}

/// The command that makes the stage serve the deployment.
pub(super) fn serve(
    target: &Target,
    api: &ApiId,
    stage: &StageChoice,
    deployment: &DeploymentId,
) -> String {
    command(target, async |control| {
        make_serve(control, api, stage, deployment).await
    })
}

/// `aws apigatewayv2 update-stage … --no-auto-deploy`
pub(super) fn no_auto_deploy(target: &Target, api: &ApiId, stage: &StageName) -> String {
    let deploys = StageFile {
        auto_deploy: Some(true),
        ..StageFile::default()
    };
    command(target, async |control| {
        control
            .update_stage(api.part(stage), &deploys, &StageFile::default())
            .await
    })
}

/// `aws apigatewayv2 get-deployments …`
pub(super) fn get_deployments(target: &Target, api: &ApiId) -> String {
    command(target, async |control| {
        control.deployments(api).await.map(drop)
    })
}

/// `aws apigatewayv2 get-stage …`
pub(super) fn get_stage(target: &Target, api: &ApiId, stage: &StageName) -> String {
    command(target, async |control| {
        control.stage(api, stage).await.map(drop)
    })
}

/// `aws apigatewayv2 delete-deployment …`
pub(super) fn delete_deployment(target: &Target, api: &ApiId, id: &DeploymentId) -> String {
    command(target, async |control| {
        control.delete_deployment(api, id).await
    })
}

async fn make_serve(
    control: &Control,
    api: &ApiId,
    stage: &StageChoice,
    deployment: &DeploymentId,
) -> Result<(), Error> {
    let served = match stage {
        StageChoice::Existing(name) => control.point_stage(api, name, deployment).await,
        StageChoice::New(name) => control.create_stage(api, name, deployment).await,
    };
    served.map(drop)
}

/// The command for the one call that `job` makes.
fn command(target: &Target, job: impl AsyncFnOnce(&Control) -> Result<(), Error>) -> String {
    commands(target, NEW, job).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{AwsTarget, LocalTarget};

    fn api() -> ApiId {
        ApiId::parse("k3v9x2a1bc").unwrap()
    }

    fn local() -> Target {
        Target::Local(LocalTarget {
            address: "127.0.0.1:4566".parse().unwrap(),
            region: "us-east-1".into(),
        })
    }

    #[test]
    fn commands_name_the_target() {
        let at = "--endpoint-url http://127.0.0.1:4566 --region us-east-1 --api-id k3v9x2a1bc";
        let name = StageName::parse("test").unwrap();
        assert_eq!(
            deploy(
                &local(),
                &api(),
                &StageChoice::New(name.clone()),
                "add join"
            ),
            [
                format!("aws apigatewayv2 create-deployment {at} --description 'add join'"),
                format!(
                    "aws apigatewayv2 create-stage {at} --stage-name test --deployment-id '<new>'"
                ),
            ]
        );
        let work = Target::Aws(AwsTarget {
            profile: Some("my work".into()),
            ..AwsTarget::default()
        });
        let id = DeploymentId::parse("d1").unwrap();
        assert_eq!(
            serve(&work, &api(), &StageChoice::Existing(name), &id),
            "aws apigatewayv2 update-stage --profile 'my work' --api-id k3v9x2a1bc --stage-name test --deployment-id d1"
        );
    }

    #[test]
    fn whoever_is_left_with_a_part_looks_and_cleans_up() {
        let at = "--endpoint-url http://127.0.0.1:4566 --region us-east-1 --api-id k3v9x2a1bc";
        let stage = StageName::parse("test").unwrap();
        let id = DeploymentId::parse("d1").unwrap();
        for (command, expected) in [
            (
                no_auto_deploy(&local(), &api(), &stage),
                format!("update-stage {at} --stage-name test --no-auto-deploy"),
            ),
            (
                get_deployments(&local(), &api()),
                format!("get-deployments {at}"),
            ),
            (
                get_stage(&local(), &api(), &stage),
                format!("get-stage {at} --stage-name test"),
            ),
            (
                delete_deployment(&local(), &api(), &id),
                format!("delete-deployment {at} --deployment-id d1"),
            ),
        ] {
            assert_eq!(command, format!("aws apigatewayv2 {expected}"));
        }
    }
}
