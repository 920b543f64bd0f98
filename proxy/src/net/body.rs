//! Requests with a body: pingora's session reads it, and it is ignored.

use super::connection::{Connection, Next, linger};
use super::exchange::Refused;
use super::head::{self, Parsed};
use super::{CloseReason, Limits};
use aqs_api::Fault;
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::v1::server::HttpSession;

/// Answers the request that the connection's buffer starts with. Returns the stream, or why the
/// connection ended.
pub(super) async fn answer(io: Stream, connection: &mut Connection) -> Result<Stream, CloseReason> {
    let bytes = std::mem::take(&mut connection.buffer);
    let limits = connection.exchange.server.limits;
    let Parsed::Head(head, _) = head::parse(&bytes, &limits) else {
        // The connection has parsed it before.
        return Err(CloseReason::Refused);
    };
    let exchange = &mut connection.exchange;
    let (io, next) = match read_body(io, bytes.clone(), &limits).await {
        Ok(Some((mut io, rest))) => {
            let next = exchange.answer(&mut io, &head, rest.len()).await;
            connection.buffer = rest;
            connection.take_read_ahead();
            (io, next)
        }
        Ok(None) => return Err(CloseReason::Client),
        Err((mut io, fault)) => {
            let next = exchange.refuse(&mut io, Refused::Body(&head), fault).await;
            (io, Some(next))
        }
    };
    match next {
        None => Ok(io),
        Some(Next::Linger(reason)) => {
            linger(io, limits.linger).await;
            Err(reason)
        }
        Some(Next::Closed(reason)) => Err(reason),
        // Neither replies nor refusals start another body.
        Some(Next::Body) => Err(CloseReason::Refused),
    }
}

/// Reads a request up to the end of its body. Returns the stream and what follows, the stream and
/// why the request is refused, or nothing if the client is gone.
async fn read_body(
    io: Stream,
    bytes: BytesMut,
    limits: &Limits,
) -> Result<Option<(Stream, BytesMut)>, (Stream, Fault)> {
    let mut session = HttpSession::new(io);
    // Later than our own deadline, whose reply names the reason.
    session.set_read_timeout(Some(limits.head.saturating_mul(2)));
    session.set_pipelining_enabled(true);
    session.set_pipelined_prefix(bytes);
    // pingora refuses more than our parser does: contradicting lengths, unknown codings.
    if session.read_request().await.is_err() {
        return Err((session.into_inner(), unclear()));
    }
    // RFC 9110 §10.1.1: an HTTP/1.0 client can't expect anything, others only this.
    let expected = session.get_header("expect").map(|value| value.as_bytes().to_ascii_lowercase());
    let is_http11 = session.req_header().version == http::Version::HTTP_11;
    if is_http11 && expected.as_ref().is_some_and(|value| value != b"100-continue") {
        let fault = Fault::other(417, "only 100-continue can be expected here");
        return Err((session.into_inner(), fault));
    }
    let expects_continue = is_http11 && expected.is_some();
    if expects_continue && session.write_continue_response().await.is_err() {
        return Ok(None);
    }
    let body = async {
        let mut size = 0;
        loop {
            match session.read_body_bytes().await {
                Ok(Some(chunk)) => size += chunk.len(),
                Ok(None) => return Ok(()),
                Err(_) => return Err(unclear()),
            }
            if size > limits.body_bytes {
                let detail = "a request body is neither needed nor read this far";
                return Err(Fault::other(413, detail));
            }
        }
    };
    match tokio::time::timeout(limits.head, body).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => return Err((session.into_inner(), fault)),
        Err(_) => return Err((session.into_inner(), head::timed_out())),
    }
    // Whether the connection goes on is decided by our own rules when the reply is written. Here
    // the stream only has to come back, with what the client sent behind the body.
    session.set_server_keepalive(Some(0));
    if !session.will_keepalive() {
        // The client requested the close.
        return Ok(Some((session.into_inner(), BytesMut::new())));
    }
    match session.reuse().await {
        Ok(Some(stream)) => {
            let (io, rest) = stream.into_parts();
            Ok(Some((io, rest.unwrap_or_default())))
        }
        Ok(None) | Err(_) => Ok(None),
    }
}

fn unclear() -> Fault {
    Fault::other(400, "malformed request: the body's end is unclear")
}
