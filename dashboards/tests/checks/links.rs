//! The relative links in the Markdown files of the repository lead to existing files and headings.

use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A link `[text](target)` outside of code.
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`[^`]*`").unwrap());

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    aqs_dashboards::directory().parent().unwrap().to_owned()
}

/// The lines outside of fenced code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// The anchors that GitHub and GitLab give to the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let mut used: BTreeMap<String, u32> = BTreeMap::new();
    let headings = prose(text).filter_map(|line| {
        let heading = line.trim_start_matches('#').strip_prefix(' ')?;
        line.starts_with('#').then(|| heading.trim().to_lowercase())
    });
    let anchors = headings.map(|heading| {
        let kept = heading.chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
        let anchor: String = kept.map(|one| if one == ' ' { '-' } else { one }).collect();
        let number = used.entry(anchor.clone()).or_default();
        *number += 1;
        match *number {
            1 => anchor,
            number => format!("{anchor}-{}", number - 1),
        }
    });
    anchors.collect()
}

/// The targets of the links of a page.
fn links(text: &str) -> Vec<String> {
    let without_code = prose(text).map(|line| CODE.replace_all(line, "").into_owned());
    let text = without_code.collect::<Vec<String>>().join("\n");
    LINK.captures_iter(&text).map(|found| found[1].to_owned()).collect()
}

/// Why a link from `base`, a page or a directory, leads nowhere.
pub(crate) fn broken(base: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let directory = if base.is_dir() { base } else { base.parent().unwrap() };
    let target = if path.is_empty() { base.to_owned() } else { directory.join(path) };
    if !target.exists() {
        return Some(format!("there is no {}", target.display()));
    }
    if anchor.is_empty() {
        return None;
    }
    let text = fs::read_to_string(&target).unwrap();
    (!anchors(&text).iter().any(|heading| heading == anchor))
        .then(|| format!("{} has no heading for #{anchor}", target.display()))
}

/// The Markdown files below a directory, without hidden directories and build outputs.
fn pages(directory: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && name != "target" {
                self::pages(&path, pages);
            }
        } else if name.ends_with(".md") {
            pages.push(path);
        }
    }
}

#[test]
fn relative_links_of_all_pages_resolve() {
    let mut all = Vec::new();
    pages(&repository(), &mut all);
    let (mut checked, mut wrong) = (0, Vec::new());
    for page in all {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let problem = broken(&page, &link);
            wrong.extend(problem.map(|problem| format!("{}: {link}: {problem}", page.display())));
        }
    }
    assert!(checked > 50, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_and_anchors_are_found() {
    let text = "# A `b`: c, d_e\n[x](y.md#z) `[no](no)` [two\nlines](../w)\n```\n# no\n[no](no)\n```\n## One\n### One\n#no";
    assert_eq!(anchors(text), ["a-b-c-d_e", "one", "one-1"]);
    assert_eq!(links(text), ["y.md#z", "../w"]);
}
