//! The addresses of the hosts that the SDK's clients call.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use crate::model::host;

/// Looks up names as the system does, but for those below `.localhost`: they are this machine, and nobody is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names;

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            if host::is_localhost_name(name) {
                return Ok(host::LOOPBACK.to_vec());
            }
            let found = tokio::net::lookup_host((name, 0)).await;
            let addresses = found.map_err(ResolveDnsError::new)?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_below_localhost_is_this_machine_without_anybody_being_asked() {
        let found = Names.resolve_dns("no.resolver.knows.this.localhost").await;
        assert_eq!(found.unwrap(), host::LOOPBACK);
    }
}
