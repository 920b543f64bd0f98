//! Requests with a body: pingora's session reads it, we ignore it and answer.

use super::connection::{Connection, Next};
use super::exchange::Refused;
use super::head::{self, Parsed};
use super::{CloseReason, linger};
use aqs_api::Problem;
use aqs_api::problem::Code;
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::v1::server::HttpSession;

/// Answers the request that the connection's buffer begins with and gives the stream back, or why
/// it may not be used again.
pub(super) async fn answer(io: Stream, connection: &mut Connection) -> Result<Stream, CloseReason> {
    let bytes = std::mem::take(&mut connection.buffer);
    let limits = connection.exchange.front.limits;
    let Parsed::Head(head, _) = head::parse(&bytes, &limits) else {
        // It was one when the connection looked.
        return Err(CloseReason::Refused);
    };
    let (mut io, rest) = match read_body(io, bytes.clone(), &limits).await {
        Ok(Some(parts)) => parts,
        Ok(None) => return Err(CloseReason::Client),
        Err((mut io, problem)) => {
            let next = connection.exchange.refuse(&mut io, Refused::Body(&head), problem).await;
            return Err(finish(io, next, connection).await);
        }
    };
    let more = !rest.is_empty();
    connection.buffer = rest;
    match connection.exchange.answer(&mut io, &head, more).await {
        None => Ok(io),
        Some(next) => Err(finish(io, next, connection).await),
    }
}

async fn finish(io: Stream, next: Next, connection: &Connection) -> CloseReason {
    match next {
        Next::Linger(why) => {
            linger::close(io, connection.exchange.front.limits.linger).await;
            why
        }
        Next::Closed(why) => why,
        // Neither answers nor refusals begin another.
        Next::Body => CloseReason::Refused,
    }
}

/// Reads a request up to the end of its body, and gives back the stream with what follows; or
/// the stream and why not.
async fn read_body(
    io: Stream,
    bytes: BytesMut,
    limits: &super::Limits,
) -> Result<Option<(Stream, BytesMut)>, (Stream, Problem)> {
    let mut session = HttpSession::new(io);
    // Later than our own deadline, which is the one that tells the client why.
    session.set_read_timeout(Some(limits.head.saturating_mul(2)));
    session.set_pipelining_enabled(true);
    session.set_pipelined_prefix(bytes);
    // pingora refuses more than our parser does: lengths that contradict, unknown codings.
    if session.read_request().await.is_err() {
        return Err((session.into_inner(), unclear()));
    }
    // RFC 9110 §10.1.1: an HTTP/1.0 client can't expect anything, others only this.
    let expected = session.get_header("expect").map(|value| value.as_bytes().to_ascii_lowercase());
    let modern = session.req_header().version == http::Version::HTTP_11;
    if modern && expected.as_ref().is_some_and(|value| value != b"100-continue") {
        let problem = Problem::new(417, Code::BadRequest, "only 100-continue can be expected here");
        return Err((session.into_inner(), problem));
    }
    let expectant = modern && expected.is_some();
    if expectant && session.write_continue_response().await.is_err() {
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
                return Err(Problem::new(413, Code::BadRequest, detail));
            }
        }
    };
    match tokio::time::timeout(limits.head, body).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => return Err((session.into_inner(), problem)),
        Err(_) => return Err((session.into_inner(), head::timed_out())),
    }
    // Whether the connection goes on is decided when the answer is written, by the raw path's
    // rules; here the stream is only to come back, with what the client sent behind the body.
    session.set_server_keepalive(Some(0));
    if !session.will_keepalive() {
        // The client wants no more answers than this one.
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

fn unclear() -> Problem {
    Problem::new(400, Code::BadRequest, "malformed request: the body's end is unclear")
}
