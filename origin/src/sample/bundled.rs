//! The files of `config/sample`, which are part of the binary.

use super::SampleError;
use flate2::read::GzDecoder;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::io::Read;

macro_rules! bundled {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../config/sample/", $name)))),*]
    };
}

static FILES: &[(&str, &[u8])] = bundled! {
    "projects.ndjson"
    "titles.ndjson"
    "countries.ndjson"
    "lgc_pagecounts_per_project.ndjson"
    "pageviews_per_article_flat.ndjson.gz"
    "pageviews_per_project_v2.ndjson"
    "top_bycountry.ndjson"
    "top_pageviews.ndjson"
    "unique_devices.ndjson"
};

/// Reads the lines of `NAME.ndjson` or `NAME.ndjson.gz`; none if there is no such file.
pub(super) fn read<T: DeserializeOwned>(name: &str) -> Result<Vec<T>, SampleError> {
    let is_named = |file: &str| file.split_once('.').is_some_and(|(stem, _)| stem == name);
    let Some((file, bytes)) = FILES.iter().find(|(file, _)| is_named(file)) else {
        return Ok(Vec::new());
    };
    let wrong = |line, reason| SampleError::Bundled { file, line, reason };
    let mut text = String::new();
    let read = match file.ends_with(".gz") {
        true => GzDecoder::new(*bytes).read_to_string(&mut text),
        false => { *bytes }.read_to_string(&mut text),
    };
    read.map_err(|error| wrong(0, error.to_string()))?;
    let parse = |(index, line)| {
        serde_json::from_str(line).map_err(|error| wrong(index + 1, error.to_string()))
    };
    text.lines().enumerate().map(parse).collect()
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) projects: Vec<Project>,
    pub(super) articles: Vec<Article>,
    pub(super) countries: Vec<Country>,
}

/// A line of `projects.ndjson`.
#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) name: String,
    /// The language of its readers; `*` for any.
    pub(super) language: String,
    /// Hours from UTC of most readers, 0 to 23.
    pub(super) zone: usize,
    /// Views on an average day.
    pub(super) views: f64,
    /// Devices on an average day.
    pub(super) devices: f64,
}

/// A line of `titles.ndjson`.
#[derive(Debug, Deserialize)]
pub(super) struct Article {
    pub(super) project: String,
    pub(super) title: String,
    /// Views on an average day.
    pub(super) views: f64,
    /// First generated day, if not that of most articles.
    #[serde(default, deserialize_with = "date")]
    pub(super) from: Option<Date>,
}

fn date<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Date>, D::Error> {
    String::deserialize(text)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A line of `countries.ndjson`.
#[derive(Debug, Deserialize)]
pub(super) struct Country {
    pub(super) code: String,
    readers: f64,
    /// Languages that are read there, per mille; `*` is any. Others are read by 2.
    languages: BTreeMap<String, f64>,
}

impl World {
    pub(super) fn read() -> Result<Self, SampleError> {
        let (projects, articles) = (read("projects")?, read("titles")?);
        Ok(Self { projects, articles, countries: read("countries")? })
    }

    /// Each project and country, with the country's share in the project's readers.
    pub(super) fn shares(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        self.projects.iter().flat_map(|project| {
            let reads = |country: &Country| country.languages.get(&project.language).copied();
            let readers = move |country: &Country| country.readers * reads(country).unwrap_or(2.0);
            let all: f64 = self.countries.iter().map(readers).sum();
            self.countries.iter().map(move |country| {
                (project.name.as_str(), country.code.as_str(), readers(country) / all)
            })
        })
    }
}
