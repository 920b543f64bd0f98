//! The files of `config/sample`, part of the binary.

use super::error::SampleError;
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::io::Read;

macro_rules! bundled {
    ($name:literal) => {
        File {
            name: $name,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/sample/", $name)),
        }
    };
}

/// Real figures by article and day.
pub(super) static PER_ARTICLE: File = bundled!("pageviews_per_article_flat.ndjson.gz");
/// Real figures by project and month.
pub(super) static PER_PROJECT: File = bundled!("pageviews_per_project_v2.ndjson");
/// Real legacy figures.
pub(super) static LEGACY: File = bundled!("lgc_pagecounts_per_project.ndjson");
/// Real devices.
pub(super) static UNIQUE_DEVICES: File = bundled!("unique_devices.ndjson");
/// Real lists of countries.
pub(super) static BY_COUNTRY: File = bundled!("top_bycountry.ndjson");
/// Real top lists.
pub(super) static TOP: File = bundled!("top_pageviews.ndjson");
/// What the generator makes of projects.
pub(super) static PROJECTS: File = bundled!("projects.tsv");
/// What the generator makes of devices.
pub(super) static DEVICES: File = bundled!("devices.tsv");
/// Which articles there are.
pub(super) static TITLES: File = bundled!("titles.tsv");
/// Where readers are.
pub(super) static COUNTRIES: File = bundled!("countries.tsv");

/// A file that came with the binary.
#[derive(Debug)]
pub(super) struct File {
    name: &'static str,
    bytes: &'static [u8],
}

impl File {
    /// A complaint about a line, counted from 1.
    pub(super) fn wrong(&self, line: usize, reason: impl ToString) -> SampleError {
        SampleError::Bundled { file: self.name, line, reason: reason.to_string() }
    }

    /// The rows of an NDJSON file.
    pub(super) fn rows<T: for<'a> Deserialize<'a>>(&self) -> Result<Vec<T>, SampleError> {
        let mut text = String::new();
        let read = if self.name.ends_with(".gz") {
            GzDecoder::new(self.bytes).read_to_string(&mut text)
        } else {
            { self.bytes }.read_to_string(&mut text)
        };
        read.map_err(|error| self.wrong(0, error))?;
        let parse = |(line, row): (usize, &str)| {
            serde_json::from_str(row).map_err(|error| self.wrong(line + 1, error))
        };
        text.lines().enumerate().map(parse).collect()
    }

    /// The lines of a table of tab-separated fields, without comments, with their numbers.
    pub(super) fn fields<const N: usize>(
        &self,
    ) -> Result<Vec<(usize, [&'static str; N])>, SampleError> {
        let text = std::str::from_utf8(self.bytes).map_err(|error| self.wrong(0, error))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        let parse = |(line, text): (usize, &'static str)| {
            let fields: Vec<&str> = text.split('\t').collect();
            let fields = fields.try_into();
            Ok((line + 1, fields.map_err(|_| self.wrong(line + 1, format!("not {N} fields")))?))
        };
        lines.map(parse).collect()
    }

    /// A number in a field.
    pub(super) fn number<T: std::str::FromStr>(
        &self,
        line: usize,
        text: &str,
    ) -> Result<T, SampleError> {
        text.parse().map_err(|_| self.wrong(line, format!("{text:?} is no such number")))
    }
}
