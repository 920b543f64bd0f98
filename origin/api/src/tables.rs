//! The tables of contract §4.2 that the endpoints read.

use crate::calendar::Form;
use crate::table::{Compression, Layout, Table, bigint, int, json, text};

/// Unique devices; timestamps of 8 digits.
pub static UNIQUE_DEVICES: Table = Table {
    layout: Layout::Restbase,
    name: "unique_devices",
    partition: &[text("project"), text("access-site"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Day)],
    values: &[bigint("devices"), bigint("offset"), bigint("underestimate")],
    compression: Compression::Default,
};

/// Views of an article by day: 16 counters, access × agent (contract §4.3).
pub static PAGEVIEWS_PER_ARTICLE: Table = Table {
    layout: Layout::Restbase,
    name: "pageviews_per_article_flat",
    partition: &[text("project"), text("article"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[
        int("aa"),
        int("ab"),
        int("as"),
        int("au"),
        int("da"),
        int("db"),
        int("ds"),
        int("du"),
        int("maa"),
        int("mab"),
        int("mas"),
        int("mau"),
        int("mwa"),
        int("mwb"),
        int("mws"),
        int("mwu"),
    ],
    compression: Compression::Deflate,
};

/// Views of a project; `views` is the column of old rows.
pub static PAGEVIEWS_PER_PROJECT: Table = Table {
    layout: Layout::Restbase,
    name: "pageviews_per_project_v2",
    partition: &[text("project"), text("access"), text("agent"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[bigint("v"), int("views")],
    compression: Compression::Default,
};

/// The most viewed articles; `articles` is the column of old rows.
pub static TOP_PAGEVIEWS: Table = Table {
    layout: Layout::Restbase,
    name: "top_pageviews",
    partition: &[
        text("project"),
        text("access"),
        text("year").year(),
        text("month").month(),
        text("day").day(),
    ],
    clustering: &[],
    values: &[json("articlesJSON"), json("articles")],
    compression: Compression::Default,
};

/// The countries that a project is read from.
pub static TOP_BY_COUNTRY: Table = Table {
    layout: Layout::Restbase,
    name: "top_bycountry",
    partition: &[text("project"), text("access"), text("year").year(), text("month").month()],
    clustering: &[],
    values: &[json("countriesJSON")],
    compression: Compression::Default,
};

/// What a country reads.
pub static TOP_PER_COUNTRY: Table = Table {
    layout: Layout::Restbase,
    name: "top_percountry",
    partition: &[
        text("country"),
        text("access"),
        text("year").year(),
        text("month").month(),
        text("day").day(),
    ],
    clustering: &[],
    values: &[json("articles")],
    compression: Compression::Default,
};

pub static LEGACY_PAGECOUNTS: Table = Table {
    layout: Layout::Restbase,
    name: "lgc_pagecounts_per_project",
    partition: &[text("project"), text("access-site"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[bigint("count")],
    compression: Compression::Default,
};
