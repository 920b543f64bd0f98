//! Telling the log of a request: gathered only once it is known to get a line.

use super::head::{self, Head};
use crate::log::access::Line;
use crate::serve::{Reply, Service};
use pingora_core::protocols::Stream;
use std::iter;
use std::net::IpAddr;
use std::time::Duration;

/// What was sent, and how that went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// The bytes of head and body, if the client got all.
    pub(super) bytes: Option<usize>,
    /// How long it took, if that was measured.
    pub(super) took: Option<Duration>,
}

/// Writes the line of a request, or of what was none.
pub(super) fn tell(
    service: &Service,
    io: &Stream,
    head: Option<&Head<'_>>,
    request_id: &str,
    reply: &Reply,
    sent: Sent,
) {
    let endpoint = reply.endpoint.and_then(|id| {
        let (_, endpoint) = service.catalogue.endpoints().nth(id.index())?;
        Some(endpoint.name)
    });
    // Read only if it is looked at.
    let forwarded = || head.map(|head| head::forwarded(head.bytes)).unwrap_or_default();
    let forwarded = iter::once_with(forwarded).flat_map(|lines| lines.into_iter().rev());
    service.access.write(&Line {
        method: head.map(|head| head::method(head.bytes)),
        target: head.map(|head| head.view.target),
        status: reply.status(),
        bytes: sent.bytes,
        took: sent.took,
        cache: reply.result.label(),
        detail: reply.detail(),
        endpoint,
        coding: reply.coding(),
        request_id,
        trace: head.and_then(|head| head.view.call.trace()),
        told: reply.told.as_deref(),
        client: service.access.client(peer(io), forwarded),
    });
}

fn peer(io: &Stream) -> Option<IpAddr> {
    let digest = io.get_socket_digest()?;
    Some(digest.peer_addr()?.as_inet()?.ip())
}
