//! Reading a generation.

use super::error::{ArtefactError, Damage, Foreign};
use super::format::Header;
use super::identity::Identity;
use super::open::{Failure, open};
use super::record::{self, Unread};
use super::write::WINDOW;
use crate::aside;
use crate::generation::{Checksum, Generation, Held, Sum, answer_weight};
use aqs_api::freshness::Times;
use aqs_api::{Catalogue, Key};
use aqs_origin::Epochs;
use aqs_origin::memory::{Budget, Part, Reservation};
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

/// What answers are made whole with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What addresses mean.
    pub catalogue: &'a Catalogue,
    /// What was purged when.
    pub epochs: &'a Epochs,
    /// How long answers are kept.
    pub times: &'a Times,
    /// What is charged while a generation is read.
    pub budget: &'a Arc<Budget>,
    /// How many bytes a generation may take.
    pub limit: u64,
}

/// Reads the generation of a number in a file.
pub(super) fn generation(
    path: &Path,
    id: u64,
    identity: &Identity,
    ctx: Context<'_>,
) -> Result<Generation, ArtefactError> {
    let told = || {
        let (header, records) = open(path, id, identity)?;
        if header.bytes > ctx.limit {
            return Err(Failure::TooLarge(header.bytes));
        }
        kept(header, records, ctx)
    };
    told().map_err(|failure| failure.at(path, ctx.limit))
}

/// The sum of the answers in a file, none of which is kept in memory.
pub(super) fn checksum(
    path: &Path,
    id: u64,
    identity: &Identity,
    ctx: Context<'_>,
) -> Result<Checksum, ArtefactError> {
    let summed = || {
        let (header, records) = open(path, id, identity)?;
        let mut sum = Sum::default();
        each(&header, records, ctx, |key, held| {
            sum.add(&key, &held.entry);
            Ok(ctx.limit)
        })?;
        let sum = sum.done();
        if sum == header.checksum { Ok(sum) } else { Err(Damage::Content.into()) }
    };
    summed().map_err(|failure: Failure| failure.at(path, ctx.limit))
}

/// How much is charged at once.
const CHARGED: u64 = 1 << 20;

/// The generation of these records, which are charged as long as they are read.
fn kept(header: Header, records: impl BufRead, ctx: Context<'_>) -> Result<Generation, Failure> {
    let (mut answers, mut bytes) = (Vec::new(), 0);
    let mut charges: Vec<Reservation> = Vec::new();
    each(&header, records, ctx, |key, held| {
        bytes += answer_weight(&key, &held.entry);
        while bytes > charges.len() as u64 * CHARGED {
            charges.push(ctx.budget.reserve(Part::HotSet, CHARGED as usize));
        }
        answers.push((key, held));
        ctx.limit.checked_sub(bytes).ok_or(Failure::TooLarge(bytes))
    })?;
    let Header { id, parent, provenance, built, plans, .. } = header;
    let generation = Generation::restored(id, parent, provenance, built, plans, answers);
    let as_told = generation.checksum == header.checksum && generation.keys() as u64 == header.keys;
    if as_told { Ok(generation) } else { Err(Damage::Content.into()) }
}

/// Gives every record to `take`, which says how many bytes the next one may take.
fn each(
    header: &Header,
    packed: impl BufRead,
    ctx: Context<'_>,
    mut take: impl FnMut(Key, Held) -> Result<u64, Failure>,
) -> Result<(), Failure> {
    debug_assert!(aside::here());
    let mut records = zstd::Decoder::with_buffer(packed).map_err(Damage::Records)?;
    records.window_log_max(WINDOW).map_err(Damage::Records)?;
    let mut left = ctx.limit;
    for number in 0..header.keys {
        let (key, held) =
            record::read(&mut records, &ctx, left).map_err(|unread| match unread {
                Unread::Io(source) => Failure::Damage(Damage::Records(source)),
                Unread::Nonsense(reason) => Failure::Damage(Damage::Record { number, reason }),
                Unread::Future => Failure::Foreign(Foreign::Future),
                Unread::TooLarge => Failure::TooLarge(ctx.limit),
            })?;
        left = take(key, held)?;
    }
    match records.read(&mut [0]).map_err(Damage::Records)? {
        0 => Ok(()),
        _ => Err(Damage::Content.into()),
    }
}
