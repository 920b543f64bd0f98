//! The file of a generation.
//!
//! ```text
//! magic             8 bytes
//! format version    u32, little-endian
//! one zstd frame with checksum:
//!     header        JSON, a `Header`, and a newline
//!     per answer    JSON, a `Record`, and a newline; its body; the gzip form of its body
//! ```
//!
//! Endpoint, tags and lifetimes of an answer are not written: they follow from its path and from
//! the settings. The gzip form is written, since compressing again would take most of the time of
//! a start. Reading streams, and trusts a length no further than the memory limit.

use super::{Identity, ReadError};
use crate::generation::{
    Checksum, Generation, HotEntry, MAX_PLANS, PlanFacts, Provenance, answer_weight,
};
use aqs_api::lifetimes::Times;
use aqs_api::{Catalogue, Dialect, Key, NoData, NoDataReason, Representation, Target};
use aqs_origin::epochs::Epoch;
use aqs_origin::memory_budget::{Budget, Consumer};
use aqs_origin::{Entry, Epochs, Moment, ReadPlan};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Like PNG's, so that a transfer as text is noticed.
const MAGIC: &[u8; 8] = b"\x89aqs\r\n\x1a\n";
const VERSION: u32 = 4;
/// Fast, and sufficient for answers of one endpoint, which are much alike.
const LEVEL: i32 = 3;
/// Log2 of the zstd window. Decoding takes that much memory.
const WINDOW_LOG: u32 = 21;
const MAX_LINE: u64 = 1 << 24;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub id: u64,
    pub parent: Option<u64>,
    pub provenance: Provenance,
    pub built: Moment,
    pub plans: Vec<PlanFacts>,
    pub keys: u64,
    /// Memory that the generation takes.
    pub bytes: u64,
    pub checksum: Checksum,
    pub identity: Identity,
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    dialect: u8,
    #[serde(borrow)]
    path: Cow<'a, str>,
    epoch: u64,
    #[serde(rename = "asked")]
    fetched_at: Moment,
    confirmed: Moment,
    plans: u64,
    /// The name of the `NoDataReason`, if there is no body.
    no_data: Option<Cow<'a, str>>,
    /// See [`Entry::expects_more`].
    #[serde(default, rename = "more", skip_serializing_if = "std::ops::Not::not")]
    expects_more: bool,
    /// Length of the body.
    body: u64,
    /// Length of its gzip form; 0 if there is none.
    gzip: u64,
}

pub(super) fn write(
    generation: &Generation,
    identity: &Identity,
    mut out: impl Write,
) -> io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    let mut frame = zstd::Encoder::new(out, LEVEL)?;
    frame.include_checksum(true)?;
    frame.window_log(WINDOW_LOG)?;
    let header = Header {
        id: generation.id,
        parent: generation.parent,
        provenance: generation.provenance,
        built: generation.built,
        plans: generation.plans.clone(),
        keys: generation.keys() as u64,
        bytes: generation.bytes,
        checksum: generation.checksum,
        identity: identity.clone(),
    };
    write_line(&mut frame, &header)?;
    // Similar answers next to each other compress better, and equal generations give equal files.
    let mut answers: Vec<_> = generation.iter().collect();
    answers.sort_unstable_by_key(|(key, _)| (key.path(), key.dialect()));
    for (key, hot) in answers {
        let (no_data, body, gzip) = match &hot.entry.representation {
            Representation::Body(body) => (None, &*body.identity, body.gzip()),
            Representation::NoData(no_data) => {
                (Some(Cow::Borrowed(no_data.reason.name())), &[][..], None)
            }
        };
        let gzip = gzip.map(|gzip| &**gzip).unwrap_or_default();
        let record = Record {
            dialect: key.dialect() as u8,
            path: Cow::Borrowed(key.path()),
            epoch: hot.entry.epoch.0,
            fetched_at: hot.entry.fetched_at,
            confirmed: hot.confirmed,
            plans: hot.plans,
            no_data,
            expects_more: hot.entry.expects_more,
            body: body.len() as u64,
            gzip: gzip.len() as u64,
        };
        write_line(&mut frame, &record)?;
        frame.write_all(body)?;
        frame.write_all(gzip)?;
    }
    frame.finish()?.flush()
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// What a generation is restored with.
#[derive(Clone, Copy)]
pub struct RestoreContext<'a> {
    pub catalogue: &'a Catalogue,
    pub epochs: &'a Epochs,
    pub times: &'a Times,
    /// Charged while a generation is read.
    pub budget: &'a Arc<Budget>,
    /// Bytes that a generation may take in memory.
    pub limit: u64,
}

/// Reads a generation, which is charged to the budget meanwhile.
pub(super) fn read(
    path: &Path,
    id: u64,
    identity: &Identity,
    ctx: RestoreContext<'_>,
) -> Result<Generation, ReadError> {
    let reader = Reader::open(path)?;
    let bytes = reader.header.bytes;
    if bytes > ctx.limit {
        return Err(ReadError::TooLarge(bytes));
    }
    let _charge =
        ctx.budget.reserve(Consumer::HotSet, usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut answers = Vec::new();
    let header = reader.read_all(id, identity, ctx, |key, hot| answers.push((key, hot)))?;
    let Header { parent, provenance, built, plans, .. } = header;
    Ok(Generation::restored(id, parent, provenance, built, plans, answers))
}

/// The header is read; the rest may be damaged or foreign.
pub(super) struct Reader {
    pub(super) header: Header,
    frame: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    line: Vec<u8>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
        let (mut magic, mut version) = ([0; 8], [0; 4]);
        file.read_exact(&mut magic)?;
        file.read_exact(&mut version)?;
        if magic != *MAGIC {
            return Err(ReadError::damaged("it is not the file of a generation"));
        }
        let version = u32::from_le_bytes(version);
        if version != VERSION {
            return Err(ReadError::Foreign(format!(
                "it has format version {version}, and this program reads version {VERSION}"
            )));
        }
        let mut decoder = zstd::Decoder::with_buffer(file)?;
        decoder.window_log_max(WINDOW_LOG)?;
        let mut frame = BufReader::with_capacity(1 << 16, decoder);
        let mut line = Vec::new();
        let header: Header = parse_line(&mut frame, &mut line)?;
        if header.plans.len() > MAX_PLANS {
            return Err(ReadError::damaged("it has too many plans"));
        }
        Ok(Self { header, frame, line })
    }

    /// Passes each answer to `take`. They are valid only if this returns the header.
    pub(super) fn read_all(
        mut self,
        id: u64,
        identity: &Identity,
        ctx: RestoreContext<'_>,
        mut take: impl FnMut(Key, HotEntry),
    ) -> Result<Header, ReadError> {
        if self.header.id != id {
            return Err(ReadError::damaged(format!("it is generation {}", self.header.id)));
        }
        check_identity(&self.header.identity, identity)?;
        let (mut checksum, mut bytes) = (Checksum::default(), 0);
        for _ in 0..self.header.keys {
            let (key, hot) = self.answer(ctx, ctx.limit - bytes)?;
            checksum.add(&key, &hot.entry);
            bytes += answer_weight(&key, &hot.entry);
            if bytes > ctx.limit {
                return Err(ReadError::TooLarge(bytes));
            }
            take(key, hot);
        }
        // Reading to the end verifies the checksum of the frame.
        if self.frame.read(&mut [0])? > 0 || checksum != self.header.checksum {
            return Err(ReadError::damaged("its header does not describe its answers"));
        }
        Ok(self.header)
    }

    /// Reads an answer of at most `left` bytes.
    fn answer(&mut self, ctx: RestoreContext<'_>, left: u64) -> Result<(Key, HotEntry), ReadError> {
        let record: Record<'_> = parse_line(&mut self.frame, &mut self.line)?;
        let invalid =
            |what: &str| ReadError::damaged(format!("{what} of {} is invalid", record.path));
        let dialect = Dialect::ALL.into_iter().find(|one| *one as u8 == record.dialect);
        let dialect = dialect.ok_or_else(|| invalid("the dialect"))?;
        let epoch = Epoch(record.epoch);
        if epoch > ctx.epochs.current() {
            let reason = "it has a later epoch than the state directory, which was restored from an \
                          older copy: its purges are unknown";
            return Err(ReadError::Foreign(reason.to_owned()));
        }
        if record.body.saturating_add(record.gzip) > left {
            return Err(ReadError::TooLarge(ctx.limit));
        }
        let query = ctx.catalogue.resolve(Target { dialect, path: &record.path });
        let query = query.ok().filter(|query| query.key().path() == record.path);
        let query = query.ok_or_else(|| invalid("the path"))?;
        let (representation, lifetimes) = match &record.no_data {
            Some(name) => {
                let reason = NoDataReason::ALL.into_iter().find(|reason| reason.name() == name);
                let reason = reason.ok_or_else(|| invalid("the reason"))?;
                let no_data = NoData::of(query.endpoint(), reason);
                let no_data = no_data.ok_or_else(|| invalid("the reason"))?;
                (Representation::NoData(no_data), ctx.times.no_data)
            }
            None => {
                let body = Representation::body(read_bytes(&mut self.frame, record.body)?);
                let gzip = read_bytes(&mut self.frame, record.gzip)?;
                if let Representation::Body(body) = &body
                    && !gzip.is_empty()
                    && body.begin_gzip()
                {
                    body.keep_gzip(Bytes::from(gzip));
                }
                (body, ctx.times.data)
            }
        };
        let tags = ReadPlan::new(query.clone(), ctx.catalogue).tags();
        let id = query.endpoint_id();
        let entry = Entry::new(representation, id, record.fetched_at, epoch, tags, lifetimes);
        let entry = Arc::new(entry.expecting_more(record.expects_more));
        let hot = HotEntry { entry, plans: record.plans, confirmed: record.confirmed };
        Ok((query.key().clone(), hot))
    }
}

fn check_identity(found: &Identity, ours: &Identity) -> Result<(), ReadError> {
    let reason = if found.state != ours.state {
        "it belongs to another state directory, or its state was lost: its purges are unknown"
            .to_owned()
    } else if found.build != ours.build {
        let build = &found.build;
        format!("another build of the program wrote it, which may answer differently: {build}")
    } else if found.stores.len() != ours.stores.len()
        || found.stores.iter().zip(&ours.stores).any(|(found, ours)| !found.is(ours))
    {
        let names: Vec<_> = found.stores.iter().map(|store| store.names.join(", ")).collect();
        format!("its answers come from another store or route: {}", names.join("; "))
    } else {
        return Ok(());
    };
    Err(ReadError::Foreign(reason))
}

fn parse_line<'a, T: Deserialize<'a>>(
    frame: &mut impl BufRead,
    line: &'a mut Vec<u8>,
) -> io::Result<T> {
    line.clear();
    frame.take(MAX_LINE).read_until(b'\n', line)?;
    Ok(serde_json::from_slice(line)?)
}

fn read_bytes(frame: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?];
    frame.read_exact(&mut bytes)?;
    Ok(bytes)
}
