//! Rows of `pageviews_per_article_flat`.

use super::articles::Article;
use super::completion::complete;
use super::counters::{self, Basics, roll_up};
use super::days::{self, AUTOMATED, Day};
use super::error::SampleError;
use super::noise::Noise;
use super::output::{Output, number, text};
use super::plan::Plan;
use super::real::ArticleDay;
use crate::load::row::Cell;
use aqs_api::tables::PAGEVIEWS_PER_ARTICLE;

/// Before this day the loader wrote null for what it didn't count.
const NULLS_UNTIL: usize = days::index(2024, 7, 1);

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    let mut real = plan.real.articles.iter().peekable();
    for article in plan.articles.iter().filter(|article| article.stored.is_some()) {
        let key = (article.project, &*article.title);
        while let Some(((project, title), days)) =
            real.next_if(|((project, title), _)| (project.as_str(), title.as_str()) <= key)
        {
            completed(project, title, days, output)?;
            debug_assert_ne!((project.as_str(), title.as_str()), key);
        }
        generated(article, output)?;
    }
    real.try_for_each(|((project, title), days)| completed(project, title, days, output))
}

/// A series that is generated.
pub(super) fn generated(article: &Article, output: &mut Output<'_>) -> Result<(), SampleError> {
    for (day, basics) in article.rows() {
        row([article.project, &article.title], day, &basics, None, output)?;
    }
    Ok(())
}

/// A series that holds real rows: those, with what they don't know, and no others.
pub(super) fn completed(
    project: &str,
    title: &str,
    rows: &[ArticleDay],
    output: &mut Output<'_>,
) -> Result<(), SampleError> {
    let noise = Noise::of(&["real article", project, title]);
    for real in rows {
        if let Some(day) = days::find(&real.stamp) {
            let basics = complete(noise, day, real.counter, real.views);
            row([project, title], day, &basics, Some(real.counter), output)?;
        }
    }
    Ok(())
}

fn row(
    [project, title]: [&str; 2],
    day: &Day,
    basics: &Basics,
    known: Option<usize>,
    output: &mut Output<'_>,
) -> Result<(), SampleError> {
    let mut cells: [Cell<'_>; 20] = std::array::from_fn(|_| Cell::Null);
    cells[0] = text(project);
    cells[1] = text(title);
    cells[2] = text("daily");
    cells[3] = text(&day.stamp);
    for (counter, (cell, views)) in cells[4..].iter_mut().zip(roll_up(basics)).enumerate() {
        let unknown = counter % 4 == counters::AUTOMATED && day.whole_month < AUTOMATED;
        let old = day.index < NULLS_UNTIL && views == 0;
        if known == Some(counter) || !(unknown || old) {
            *cell = number(views);
        }
    }
    output.row(&PAGEVIEWS_PER_ARTICLE, &cells)
}
