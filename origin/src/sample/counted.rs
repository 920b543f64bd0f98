//! The counts that top lists are made of.

use super::articles::Article;
use super::days::{self, Day, Month};
use super::list_json::{List, Member, Style, ranks};

/// Views of articles by access (in the order of `counters::ACCESSES`), in the articles' order.
pub(super) type Counts = Vec<[u64; 4]>;

/// Counts by month and by some days, from the very series of the articles.
#[derive(Debug)]
pub(super) struct Counted {
    /// A count for each month from the first on.
    pub(super) months: Vec<Counts>,
    /// A count for each of the days asked for.
    pub(super) days: Vec<Counts>,
}

impl Counted {
    /// Counts articles; the days must be in order and none before the first month.
    pub(super) fn of(articles: &[Article], first: Month, chosen: &[usize]) -> Self {
        let none = || vec![[0; 4]; articles.len()];
        let mut months: Vec<Counts> = days::months(first).map(|_| none()).collect();
        let mut by_day: Vec<Counts> = chosen.iter().map(|_| none()).collect();
        for (place, article) in articles.iter().enumerate() {
            for day in &days::days()[first.days().start..] {
                let counts = counts(article, day);
                let month = day.whole_month.index() - first.index();
                for (sum, more) in months[month][place].iter_mut().zip(counts) {
                    *sum += more;
                }
                if let Ok(day) = chosen.binary_search(&day.index) {
                    by_day[day][place] = counts;
                }
            }
        }
        Self { months, days: by_day }
    }
}

fn counts(article: &Article, day: &Day) -> [u64; 4] {
    let [desktop, app, web] = article.users(day);
    [desktop + app + web, desktop, app, web]
}

/// The list of an access. As the loader does, keeps ranks before that of the first row too many,
/// so that a tie across the border is dropped whole; `-` is no article.
pub(super) fn list(
    articles: &[Article],
    counts: &Counts,
    access: usize,
    limit: usize,
    style: Style,
    order: Order,
) -> String {
    let counted =
        articles.iter().zip(counts).map(|(article, counts)| (&*article.title, counts[access]));
    let mut counted: Vec<(&str, u64)> =
        counted.filter(|(title, views)| *views > 0 && *title != "-").collect();
    counted.sort_by_key(|(_, views)| std::cmp::Reverse(*views));
    let ranks: Vec<u64> = ranks(counted.iter().map(|(_, views)| *views)).collect();
    let border = ranks.get(limit).copied().unwrap_or(u64::MAX);
    let mut ranked: Vec<(&str, u64, u64)> = counted
        .into_iter()
        .zip(ranks)
        .map(|((title, views), rank)| (title, views, rank))
        .filter(|(_, _, rank)| *rank < border)
        .collect();
    if order == Order::Title {
        ranked.sort_unstable();
    }
    let mut list = List::new(style);
    for (article, views, rank) in ranked {
        list.entry(&[
            ("article", Member::Text(article)),
            ("views", Member::Number(views)),
            ("rank", Member::Number(rank)),
        ]);
    }
    list.finish()
}

/// How a stored list is ordered; the API sorts by rank whatever the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Rank,
    Title,
}
