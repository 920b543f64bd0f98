//! What is asked of Prometheus: its blanks filled in, and what it names.
//!
//! Prometheus itself says whether an expression means anything (`.ci/prometheus`); it does not say
//! that nobody counts what it names. For that the few words that name something are picked out
//! here.

/// What stands for the matchers of the instances that are meant.
pub const HERE: &str = "$here";
/// What stands for a window long enough to see a rate in; Grafana fills it in.
pub const WINDOW: &str = "$__rate_interval";

/// An expression as the dashboard has it, about the instances that were chosen in it.
pub fn of_dashboard(expr: &str) -> String {
    expr.replace(HERE, r#"job=~"$job",instance=~"$instance""#)
}

/// A metric that an expression asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Its name.
    pub metric: String,
    /// The labels that it is selected by, with what they must be.
    pub matchers: Vec<(String, String)>,
    /// The function that it is handed to, if it is.
    pub function: Option<String>,
}

/// What an expression names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The metrics.
    pub selectors: Vec<Selector>,
    /// The labels by which it groups or joins.
    pub grouped: Vec<String>,
}

/// Words between operands, after which nothing stands in parentheses that they are about.
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];
/// Words with a list of labels.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Picks the names out of an expression.
pub fn names(expr: &str) -> Names {
    let mut names = Names::default();
    let mut open: Vec<Option<String>> = Vec::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        let (word, after) = word(rest);
        if word.is_empty() {
            rest = &rest[first.len_utf8()..];
            match first {
                '(' => open.push(None),
                ')' => drop(open.pop()),
                '[' => rest = after_first(rest, ']'),
                _ => {}
            }
            continue;
        }
        let next = after.trim_start();
        rest = after;
        if word.starts_with(|first: char| first.is_ascii_digit()) || OPERATORS.contains(&word) {
            continue;
        }
        if LISTS.contains(&word) {
            let (list, after) = within(next, '(', ')');
            let labels = list.split(',').map(str::trim).filter(|label| !label.is_empty());
            names.grouped.extend(labels.map(str::to_owned));
            rest = after;
        } else if let Some(after) = next.strip_prefix('(') {
            open.push(Some(word.to_owned()));
            rest = after;
        } else if !aggregates(next) {
            let (list, after) = within(next, '{', '}');
            let function = open.last().cloned().flatten();
            let matchers = matchers(list);
            names.selectors.push(Selector { metric: word.to_owned(), matchers, function });
            rest = after;
        }
    }
    names
}

/// Whether what was read is an aggregation whose labels come first: `sum by (x) (...)`.
fn aggregates(next: &str) -> bool {
    ["by", "without"].contains(&word(next).0)
}

/// The word at the beginning, which may be a number, and what is after it.
fn word(text: &str) -> (&str, &str) {
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || "_:.".contains(letter);
    text.split_at(text.find(|letter| !of_word(letter)).unwrap_or(text.len()))
}

/// What is between a pair at the beginning, if there is one, and what is after it. There are no
/// closing ones in our quotes.
fn within(text: &str, begin: char, end: char) -> (&str, &str) {
    match text.strip_prefix(begin) {
        Some(inner) => inner.split_once(end).unwrap_or((inner, "")),
        None => ("", text),
    }
}

fn after_first(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, after)| after)
}

/// The matchers of a list such as `cache=~"a|b",status="200"`. There are no commas in our quotes.
fn matchers(list: &str) -> Vec<(String, String)> {
    let mut matchers = Vec::new();
    let mut rest = list;
    while let Some((label, quoted)) = rest.split_once('"') {
        let Some((value, after)) = quoted.split_once('"') else { break };
        // After what stands for other matchers, too.
        let label = label.rsplit(',').next().unwrap_or_default();
        let label = label.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        matchers.push((label.to_owned(), value.to_owned()));
        rest = after;
    }
    matchers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(metric: &str, matchers: &[(&str, &str)], function: Option<&str>) -> Selector {
        let matchers =
            matchers.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        Selector {
            metric: metric.to_owned(),
            matchers: matchers.collect(),
            function: function.map(str::to_owned),
        }
    }

    #[test]
    fn every_name_is_picked_out() {
        let found = names(
            r#"(sum by (job, le) (rate(a_total{x=~"p|q",y!="z"}[5m])) or 0 * vector(0)) / ignoring (cache) group_left () sum(b:c and on (instance) d{x="1"} offset 1h) > 0.5e3"#,
        );
        let expected = [
            selector("a_total", &[("x", "p|q"), ("y", "z")], Some("rate")),
            selector("b:c", &[], Some("sum")),
            selector("d", &[("x", "1")], Some("sum")),
        ];
        assert_eq!(found.selectors, expected);
        assert_eq!(found.grouped, ["job", "le", "cache", "instance"]);
        let found = names(r#"(time() - max by (dataset) (e{}))/f{$here,x="1"}"#);
        let expected = [selector("e", &[], None), selector("f", &[("x", "1")], None)];
        assert_eq!(found.selectors, expected);
    }

    #[test]
    fn nothing_makes_it_stumble() {
        for text in ["", "(", "a{", "a{b", "a{b=\"", "by (", "a[5m", "sum by", "ä{ö=\"ü\"}", "))"]
        {
            names(text);
        }
    }

    #[test]
    fn the_dashboard_asks_for_the_instances_that_were_chosen() {
        let expr = of_dashboard("rate(a{$here,b=\"c\"}[$__rate_interval]) / d{$here}");
        let here = "job=~\"$job\",instance=~\"$instance\"";
        let expected = format!("rate(a{{{here},b=\"c\"}}[$__rate_interval]) / d{{{here}}}");
        assert_eq!(expr, expected);
    }
}
