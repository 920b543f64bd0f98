//! The published figures, as the generator asks for them.

use super::bundled;
use super::counters::{ACCESSES, AGENTS};
use super::error::SampleError;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A series of figures by timestamp.
pub(super) type Series<T = u64> = BTreeMap<String, T>;

/// Everything that is published.
#[derive(Debug)]
pub(super) struct Real {
    /// By article in key order, days in order.
    pub(super) articles: BTreeMap<(String, String), Vec<ArticleDay>>,
    projects: BTreeMap<[String; 3], Series>,
    legacy: BTreeMap<[String; 2], Series>,
    devices: BTreeMap<[String; 3], Series<Devices>>,
    /// Top lists.
    pub(super) tops: Vec<Top>,
    /// Lists of countries.
    pub(super) countries: Vec<ByCountry>,
}

/// One counter of an article's day.
#[derive(Debug)]
pub(super) struct ArticleDay {
    pub(super) stamp: String,
    /// The place of the counter among the table's sixteen.
    pub(super) counter: usize,
    pub(super) views: u64,
}

/// A row of `top_pageviews`.
#[derive(Debug, Deserialize)]
pub(super) struct Top {
    pub(super) project: String,
    pub(super) access: String,
    pub(super) year: String,
    pub(super) month: String,
    pub(super) day: String,
    #[serde(rename = "articlesJSON")]
    pub(super) articles: String,
}

/// A row of `top_bycountry`.
#[derive(Debug, Deserialize)]
pub(super) struct ByCountry {
    pub(super) project: String,
    pub(super) access: String,
    pub(super) year: String,
    pub(super) month: String,
    #[serde(rename = "countriesJSON")]
    pub(super) countries: String,
}

/// A row of `unique_devices`; what is not known is absent.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Devices {
    pub(super) devices: u64,
    pub(super) offset: Option<u64>,
    pub(super) underestimate: Option<u64>,
}

#[derive(Deserialize)]
struct ProjectRow {
    project: String,
    access: String,
    agent: String,
    timestamp: String,
    v: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LegacyRow {
    project: String,
    access_site: String,
    timestamp: String,
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct DevicesRow {
    project: String,
    access_site: String,
    granularity: String,
    timestamp: String,
    #[serde(flatten)]
    devices: Devices,
}

#[derive(Deserialize)]
struct ArticleRow {
    project: String,
    article: String,
    timestamp: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Real {
    /// Reads the bundled files.
    pub(super) fn read() -> Result<Self, SampleError> {
        let mut projects: BTreeMap<_, Series> = BTreeMap::new();
        for row in bundled::PER_PROJECT.rows::<ProjectRow>()? {
            let series = projects.entry([row.project, row.access, row.agent]).or_default();
            series.insert(row.timestamp, row.v);
        }
        let mut legacy: BTreeMap<_, Series> = BTreeMap::new();
        for row in bundled::LEGACY.rows::<LegacyRow>()? {
            let series = legacy.entry([row.project, row.access_site]).or_default();
            series.insert(row.timestamp, row.count);
        }
        let mut devices: BTreeMap<_, Series<Devices>> = BTreeMap::new();
        for row in bundled::UNIQUE_DEVICES.rows::<DevicesRow>()? {
            let key = [row.project, row.access_site, row.granularity];
            devices.entry(key).or_default().insert(row.timestamp, row.devices);
        }
        let tops = bundled::TOP.rows()?;
        let countries = bundled::BY_COUNTRY.rows()?;
        Ok(Self { articles: articles()?, projects, legacy, devices, tops, countries })
    }

    /// Monthly views of a project.
    pub(super) fn project(&self, project: &str, access: &str, agent: &str) -> Option<&Series> {
        self.projects.get(&[project, access, agent].map(str::to_owned))
    }

    /// Monthly legacy counts of a project.
    pub(super) fn legacy(&self, project: &str, site: &str) -> Option<&Series> {
        self.legacy.get(&[project, site].map(str::to_owned))
    }

    /// Devices of a project.
    pub(super) fn devices(
        &self,
        project: &str,
        site: &str,
        granularity: &str,
    ) -> Option<&Series<Devices>> {
        self.devices.get(&[project, site, granularity].map(str::to_owned))
    }
}

fn articles() -> Result<BTreeMap<(String, String), Vec<ArticleDay>>, SampleError> {
    let mut articles: BTreeMap<_, Vec<ArticleDay>> = BTreeMap::new();
    for (line, row) in bundled::PER_ARTICLE.rows::<ArticleRow>()?.into_iter().enumerate() {
        let known =
            row.rest.iter().find_map(|(name, value)| Some((counter(name)?, value.as_u64()?)));
        let Some((counter, views)) = known else {
            return Err(bundled::PER_ARTICLE.wrong(line + 1, "no counter"));
        };
        let days = articles.entry((row.project, row.article)).or_default();
        days.push(ArticleDay { stamp: row.timestamp, counter, views });
    }
    for days in articles.values_mut() {
        days.sort_by(|one, other| one.stamp.cmp(&other.stamp));
    }
    Ok(articles)
}

/// The place of a counter's column among the sixteen: `mwu` is mobile-web and user.
fn counter(column: &str) -> Option<usize> {
    let (access, agent) = column.split_at_checked(column.len().checked_sub(1)?)?;
    let access = ["a", "d", "ma", "mw"].iter().position(|known| *known == access)?;
    let agent = ["a", "b", "s", "u"].iter().position(|known| *known == agent)?;
    debug_assert!(access < ACCESSES.len() && agent < AGENTS.len());
    Some(access * AGENTS.len() + agent)
}
