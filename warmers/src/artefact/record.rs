//! One answer in a file.
//!
//! Its endpoint and tags are not written: they follow from its address. Nor are its lifetimes,
//! which are settings. The gzip form is written: making it again would take most of the time
//! that a start takes.

use super::read::Context;
use crate::generation::Held;
use aqs_api::{Dialect, Key, NoDataReason, Problem, Representation, Target};
use aqs_origin::epochs::Epoch;
use aqs_origin::{Entry, Moment, ReadPlan};
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// What stands before a body; lower numbers are reasons why there is none.
const BODY: u8 = 128;
/// How long an address may be, in bytes: longer than any that is heard.
const LONGEST_PATH: u64 = 1 << 16;

/// Why a record was not read.
pub(super) enum Unread {
    /// It could not be unpacked.
    Io(io::Error),
    /// It makes no sense.
    Nonsense(&'static str),
    /// Its epoch is none that was given yet.
    Future,
    /// It takes more memory than is left.
    TooLarge,
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes an answer.
pub(super) fn write(out: &mut impl Write, key: &Key, held: &Held) -> io::Result<()> {
    let entry = &held.entry;
    out.write_all(&[key.dialect() as u8])?;
    text(out, key.path().as_bytes())?;
    for number in [entry.epoch.0, entry.fetched_at.0, held.confirmed.0, held.plans] {
        out.write_all(&number.to_le_bytes())?;
    }
    match &entry.representation {
        Representation::Problem(problem) => {
            let reason = problem.no_data_reason().map(number_of);
            let unheard = || io::Error::other("a problem other than missing data is not kept");
            out.write_all(&[reason.ok_or_else(unheard)?])
        }
        Representation::Body(body) => {
            out.write_all(&[BODY])?;
            out.write_all(body.etag.as_bytes())?;
            text(out, &body.identity)?;
            text(out, body.gzip().map(|coded| &**coded).unwrap_or_default())
        }
    }
}

/// What stands for a reason in files: never changed, and never used for another.
fn number_of(reason: NoDataReason) -> u8 {
    match reason {
        NoDataReason::NoData => 0,
        NoDataReason::NotLoadedYet => 1,
        NoDataReason::OutOfRange => 2,
    }
}

fn text(out: &mut impl Write, text: &[u8]) -> io::Result<()> {
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(text)
}

/// Reads an answer that takes `left` bytes at most.
pub(super) fn read(
    from: &mut impl Read,
    ctx: &Context<'_>,
    left: u64,
) -> Result<(Key, Held), Unread> {
    let dialect = match byte(from)? {
        0 => Dialect::V2,
        1 => Dialect::V1,
        _ => return Err(Unread::Nonsense("its dialect is unknown")),
    };
    let path = match length(from)? {
        length if length <= LONGEST_PATH => String::from_utf8(bytes(from, length)?),
        _ => return Err(Unread::Nonsense("its address is too long")),
    };
    let path = path.map_err(|_| Unread::Nonsense("its address is no UTF-8"))?;
    let (epoch, asked) = (Epoch(number(from)?), Moment(number(from)?));
    let (confirmed, plans) = (Moment(number(from)?), number(from)?);
    if epoch > ctx.epochs.current() {
        return Err(Unread::Future);
    }
    let query = ctx.catalogue.resolve(Target { dialect, path: &path });
    let query = query.map_err(|_| Unread::Nonsense("its address has no answer"))?;
    if query.key().path() != path {
        return Err(Unread::Nonsense("its address is not in canonical form"));
    }
    let (representation, lifetimes) = match byte(from)? {
        BODY => {
            let mut etag = [0; 32];
            from.read_exact(&mut etag)?;
            let body = Representation::body(bytes_within(from, left)?);
            let gzip = bytes_within(from, left)?;
            if let Representation::Body(body) = &body {
                if *body.etag.as_bytes() != etag {
                    return Err(Unread::Nonsense("its body has another entity tag"));
                }
                if !gzip.is_empty() && body.begin_gzip() {
                    body.keep_gzip(Bytes::from(gzip));
                }
            }
            (body, ctx.times.data)
        }
        reason => {
            let mut all = NoDataReason::ALL.into_iter();
            let reason = all.find(|one| number_of(*one) == reason);
            let reason = reason.ok_or(Unread::Nonsense("it is of an unknown kind"))?;
            (Representation::problem(Problem::no_data(reason)), ctx.times.no_data)
        }
    };
    let tags = ReadPlan::new(query.clone(), ctx.catalogue).tags();
    let id = query.endpoint_id();
    let entry = Arc::new(Entry::new(representation, id, asked, epoch, tags, lifetimes));
    Ok((query.key().clone(), Held { entry, plans, confirmed }))
}

fn byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = [0; 8];
    from.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

fn length(from: &mut impl Read) -> io::Result<u64> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    Ok(u64::from(u32::from_le_bytes(length)))
}

/// What little is packed may unpack to much.
fn bytes_within(from: &mut impl Read, most: u64) -> Result<Vec<u8>, Unread> {
    match length(from)? {
        length if length <= most => Ok(bytes(from, length)?),
        _ => Err(Unread::TooLarge),
    }
}

/// Takes no more memory than there are bytes, whatever the length says.
fn bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 16) as usize);
    if from.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}
