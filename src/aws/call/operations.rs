//! The operations of the control plane that this program uses: those that look, and those that change something.
//!
//! The SDK's client goes in here where it is made, and only the two gates give it out, each the half that is for it. So a
//! call that changes something cannot but pass the gate for changes, and a look cannot change anything.

use std::fmt;

use aws_sdk_apigatewayv2::{Client, operation};

/// The SDK's client, behind the gates.
#[derive(Clone)]
pub(in crate::aws) struct Operations(Client);

impl Operations {
    pub(in crate::aws) fn of(client: Client) -> Self {
        Self(client)
    }

    pub(super) fn looks(&self) -> Looks<'_> {
        Looks(&self.0)
    }

    pub(super) fn changes(&self) -> Changes<'_> {
        Changes(&self.0)
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Operations").finish_non_exhaustive()
    }
}

macro_rules! operations {
    ($(#[$meta:meta])* $name:ident { $($call:ident: $builder:ident,)* }) => {
        $(#[$meta])*
        pub(in crate::aws) struct $name<'a>(&'a Client);

        impl $name<'_> {
            /// The names of all of them, as the SDK has them.
            #[cfg(test)]
            pub(super) const NAMES: &'static [&'static str] = &[$(stringify!($call),)*];

            $(
                pub(in crate::aws) fn $call(&self) -> operation::$call::builders::$builder {
                    self.0.$call()
                }
            )*
        }
    };
}

operations! {
    /// The operations that look.
    Looks {
        get_api: GetApiFluentBuilder,
        get_apis: GetApisFluentBuilder,
        get_authorizers: GetAuthorizersFluentBuilder,
        get_deployment: GetDeploymentFluentBuilder,
        get_deployments: GetDeploymentsFluentBuilder,
        get_integration_responses: GetIntegrationResponsesFluentBuilder,
        get_integrations: GetIntegrationsFluentBuilder,
        get_models: GetModelsFluentBuilder,
        get_route_responses: GetRouteResponsesFluentBuilder,
        get_routes: GetRoutesFluentBuilder,
        get_stage: GetStageFluentBuilder,
        get_stages: GetStagesFluentBuilder,
    }
}

operations! {
    /// The operations that change something.
    Changes {
        create_api: CreateApiFluentBuilder,
        create_authorizer: CreateAuthorizerFluentBuilder,
        create_deployment: CreateDeploymentFluentBuilder,
        create_integration: CreateIntegrationFluentBuilder,
        create_integration_response: CreateIntegrationResponseFluentBuilder,
        create_model: CreateModelFluentBuilder,
        create_route: CreateRouteFluentBuilder,
        create_route_response: CreateRouteResponseFluentBuilder,
        create_stage: CreateStageFluentBuilder,
        delete_access_log_settings: DeleteAccessLogSettingsFluentBuilder,
        delete_authorizer: DeleteAuthorizerFluentBuilder,
        delete_deployment: DeleteDeploymentFluentBuilder,
        delete_integration: DeleteIntegrationFluentBuilder,
        delete_integration_response: DeleteIntegrationResponseFluentBuilder,
        delete_model: DeleteModelFluentBuilder,
        delete_route: DeleteRouteFluentBuilder,
        delete_route_request_parameter: DeleteRouteRequestParameterFluentBuilder,
        delete_route_response: DeleteRouteResponseFluentBuilder,
        delete_route_settings: DeleteRouteSettingsFluentBuilder,
        delete_stage: DeleteStageFluentBuilder,
        tag_resource: TagResourceFluentBuilder,
        untag_resource: UntagResourceFluentBuilder,
        update_api: UpdateApiFluentBuilder,
        update_authorizer: UpdateAuthorizerFluentBuilder,
        update_deployment: UpdateDeploymentFluentBuilder,
        update_integration: UpdateIntegrationFluentBuilder,
        update_integration_response: UpdateIntegrationResponseFluentBuilder,
        update_model: UpdateModelFluentBuilder,
        update_route: UpdateRouteFluentBuilder,
        update_route_response: UpdateRouteResponseFluentBuilder,
        update_stage: UpdateStageFluentBuilder,
    }
}
