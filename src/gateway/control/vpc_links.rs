//! VPC links: kept, named and tagged. There is no VPC here, so nothing goes through a VPC link.

use serde::{Deserialize, Serialize};

use super::{
    call::Call,
    check,
    error::ApiError,
    ids,
    wire::{self, Reply, Texts},
};
use crate::gateway::{
    clock,
    store::{View, record::VpcLinkRecord},
};

/// The input of `CreateVpcLink` and `UpdateVpcLink`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VpcLinkInput {
    name: Option<String>,
    subnet_ids: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    tags: Option<Texts>,
}

/// A VPC link on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VpcLinkOutput {
    created_date: String,
    name: String,
    security_group_ids: Vec<String>,
    subnet_ids: Vec<String>,
    tags: Texts,
    vpc_link_id: String,
    vpc_link_status: &'static str,
    vpc_link_status_message: &'static str,
    vpc_link_version: &'static str,
}

fn show(link: VpcLinkRecord) -> VpcLinkOutput {
    VpcLinkOutput {
        created_date: wire::seconds(link.created_at),
        name: link.name,
        security_group_ids: link.security_group_ids,
        subnet_ids: link.subnet_ids,
        tags: link.tags,
        vpc_link_id: link.vpc_link_id,
        // AWS says `PENDING` for minutes; there is nothing here to wait for.
        vpc_link_status: "AVAILABLE",
        vpc_link_status_message: "VPC link is ready to route traffic",
        vpc_link_version: "V2",
    }
}

/// Returns the VPC link with that id.
pub(super) fn find(view: &View<'_>, region: &str, id: &str) -> Result<VpcLinkRecord, ApiError> {
    view.get(region, id)?
        .ok_or_else(|| ApiError::unknown("VpcLink"))
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: VpcLinkInput = call.body()?;
    let name = check::required("name", input.name.as_ref())?.clone();
    check::length("name", Some(&name), 1..=128)?;
    let subnet_ids = check::required("subnetIds", input.subnet_ids.as_ref())?;
    if subnet_ids.is_empty() {
        // SOURCE: seen for a list without an entry.
        return Err(ApiError::bad_request(
            "SubnetIds for a vpc link cannot be empty",
        ));
    }
    check::tags(input.tags.as_ref())?;
    let region = call.region.clone();
    let blank = VpcLinkRecord {
        vpc_link_id: String::new(),
        name,
        subnet_ids: subnet_ids.clone(),
        security_group_ids: input.security_group_ids.unwrap_or_default(),
        tags: input.tags.unwrap_or_default(),
        created_at: clock::now(),
    };
    let link = call.store.write(move |draft| {
        let mut link = blank.clone();
        link.vpc_link_id = ids::fresh::<VpcLinkRecord>(draft, &region, ids::VPC_LINK)?;
        draft.put(&region, &link)?;
        Ok::<_, ApiError>(link)
    })?;
    Ok(Reply::json(&show(link)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let links = call.store.read(|view| {
        let page = view.page(&call.region, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(links, &paging, show)))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let id = call.label("vpcLinkId");
    let link = call.store.read(|view| find(view, &call.region, &id))?;
    Ok(Reply::json(&show(link)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: VpcLinkInput = call.body()?;
    check::length("name", input.name.as_ref(), 1..=128)?;
    let (region, id) = (call.region.clone(), call.label("vpcLinkId"));
    let link = call.store.write(move |draft| {
        let mut link = find(draft, &region, &id)?;
        if let Some(name) = &input.name {
            link.name.clone_from(name);
        }
        draft.put(&region, &link)?;
        Ok::<_, ApiError>(link)
    })?;
    Ok(Reply::json(&show(link)))
}

/// Removes a VPC link. No integration of a WebSocket API can go through one, so nothing is ever in its way.
pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let (region, id) = (call.region.clone(), call.label("vpcLinkId"));
    call.store.write(move |draft| {
        find(draft, &region, &id)?;
        draft.remove::<VpcLinkRecord>(&region, &id)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(Reply::json(&serde_json::Map::new()))
}
