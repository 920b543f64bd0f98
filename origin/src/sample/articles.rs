//! The articles of the generated part.

use super::bundled::TITLES;
use super::days::{self, THREE_YEARS};
use super::error::SampleError;
use super::noise::Noise;
use super::projects::Project;
use super::season::Week;
use std::borrow::Cow;

/// An article, as `titles.tsv` has it.
#[derive(Debug)]
pub(super) struct Article {
    pub(super) project: &'static str,
    pub(super) title: Cow<'static, str>,
    /// The first day with a row, unless it is in lists only.
    pub(super) stored: Option<usize>,
    /// Views by users on an average day, in thousandths.
    pub(super) milli: u64,
    /// Nothing before that day.
    pub(super) since: usize,
    /// Never in the news.
    pub(super) steady: bool,
    /// Whether days have no row.
    pub(super) gaps: bool,
    /// Whether there are days without a user.
    pub(super) zeros: bool,
    pub(super) week: Week,
    pub(super) noise: Noise,
}

/// The articles of every project, in key order.
pub(super) fn read(projects: &[Project]) -> Result<Vec<Article>, SampleError> {
    let mut articles: Vec<Article> = Vec::new();
    let mut place = 1;
    for (line, [project, title, traits]) in TITLES.fields::<3>()? {
        let known = projects.iter().find(|known| known.name == project);
        let known = known.ok_or_else(|| TITLES.wrong(line, "an unknown project"))?;
        if articles.last().is_none_or(|last| last.project != project) {
            place = 1;
        }
        let mut article = Article::new(project, Cow::Borrowed(title), popularity(known, place));
        traits
            .split(',')
            .filter(|given| !given.is_empty())
            .try_for_each(|given| article.take(given))
            .ok_or_else(|| TITLES.wrong(line, format!("an unknown trait in {traits:?}")))?;
        // Whose views are given takes no place among the others.
        place += u64::from(!traits.contains("views="));
        articles.push(article);
    }
    if let Some(english) = projects.iter().find(|project| project.name == "en.wikipedia") {
        articles.extend(long_tail(english));
    }
    articles.sort_by(|one, other| (one.project, &one.title).cmp(&(other.project, &other.title)));
    Ok(articles)
}

/// Zipf: the n-th article gets the n-th part of what the first gets.
fn popularity(project: &Project, place: u64) -> u64 {
    project.top * 1000 / place
}

/// Articles that fill the top lists of English Wikipedia up to their thousand.
fn long_tail(project: &Project) -> impl Iterator<Item = Article> {
    const TOPICS: [&str; 12] = [
        "film",
        "music",
        "science",
        "literature",
        "television",
        "video_games",
        "sports",
        "art",
        "aviation",
        "architecture",
        "paleontology",
        "the_United_States",
    ];
    let years = (1950..=2026).rev();
    let pairs = years.flat_map(|year| TOPICS.into_iter().map(move |topic| (year, topic)));
    pairs.zip(200..).map(|((year, topic), place)| {
        let title = Cow::Owned(format!("{year}_in_{topic}"));
        let mut article = Article::new(project.name, title, popularity(project, place));
        article.stored = None;
        article
    })
}

impl Article {
    fn new(project: &'static str, title: Cow<'static, str>, milli: u64) -> Self {
        Self {
            noise: Noise::of(&["article", project, &title]),
            project,
            title,
            stored: Some(THREE_YEARS),
            milli,
            since: days::FIRST,
            steady: false,
            gaps: false,
            zeros: false,
            week: Week::Desktop,
        }
    }

    /// Takes a trait; `None` if it is unknown.
    fn take(&mut self, given: &str) -> Option<()> {
        match given.split_once('=') {
            Some(("views", views)) => {
                let (whole, part) = views.split_once('.').unwrap_or((views, "0"));
                let part = format!("{part:0<3}").parse::<u64>().ok()?;
                self.milli = whole.parse::<u64>().ok()? * 1000 + part;
            }
            Some(("since", date)) => self.since = days::find(date)?.index,
            Some(("stored", date)) => self.stored = Some(days::find(date)?.index),
            None if given == "steady" => self.steady = true,
            None if given == "gaps" => self.gaps = true,
            None if given == "zeros" => self.zeros = true,
            None if given == "weekend" => self.week = Week::Leisure,
            None if given == "list" => self.stored = None,
            _ => return None,
        }
        Some(())
    }
}
