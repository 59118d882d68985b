//! The server at the other end, as far as it is known: what is told of API Gateway is told of nobody else.

use crate::model::host;

/// The server that a link leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Server {
    /// A stage of an API, under an endpoint whose path names the stage.
    Stage,
    /// API Gateway under a domain name of somebody's own, whose path is the key of an API mapping.
    Domain,
    /// Any server: nothing says that it is API Gateway.
    #[default]
    Any,
}

impl Server {
    /// Returns the server behind a URL by which nobody has found a stage.
    pub fn at(url: &str) -> Self {
        if host::is_api_of_aws(host::of_url(url)) {
            Self::Stage
        } else {
            Self::Any
        }
    }

    /// Returns the server behind a URL whose answer only API Gateway gives, or a local gateway.
    pub(super) fn answering_as_api_gateway(url: &str) -> Self {
        let host = host::of_url(url);
        let is_endpoint = host::is_endpoint_of_api(host);
        let is_this_machine = host::is_loopback(host) && !host::is_localhost_name(host);
        if is_endpoint || is_this_machine {
            Self::Stage
        } else {
            Self::Domain
        }
    }

    /// Returns the words that begin a sentence about it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stage | Self::Domain => "The gateway",
            Self::Any => "The server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_alone_tells_api_gateway_by_its_own_endpoints_only() {
        let aws = "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com/prod";
        assert_eq!(Server::at(aws), Server::Stage);
        for url in [
            "wss://echo.example.com",
            "ws://127.0.0.1:4566/a1/prod",
            "wss://execute-api.example.com/x",
        ] {
            assert_eq!(Server::at(url), Server::Any, "{url}");
        }
    }

    #[test]
    fn what_answers_as_api_gateway_under_another_name_is_a_custom_domain() {
        for (url, server) in [
            (
                "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com/prod",
                Server::Stage,
            ),
            ("ws://127.0.0.1:4566/a1/prod", Server::Stage),
            ("ws://localhost:4566/a1/prod", Server::Stage),
            (
                "ws://a1.execute-api.us-east-1.localhost:4566/prod",
                Server::Stage,
            ),
            ("ws://ws.chat.localhost:4566/key", Server::Domain),
            ("wss://ws.example.com", Server::Domain),
        ] {
            assert_eq!(Server::answering_as_api_gateway(url), server, "{url}");
        }
    }
}
