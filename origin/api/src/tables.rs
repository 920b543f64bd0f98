//! The tables of contract §4.2 that the endpoints read.

use crate::calendar::Form;
use crate::table::{Calendar, Compression, TIMESTAMP, Table, bigint, int, json, text};

/// Unique devices; timestamps of 8 digits.
pub static UNIQUE_DEVICES: Table = Table {
    name: "unique_devices",
    partition: &[text("project"), text("access-site"), text("granularity")],
    clustering: &[text(TIMESTAMP)],
    values: &[bigint("devices"), bigint("offset"), bigint("underestimate")],
    calendar: Calendar::Series(Form::Day),
    compression: Compression::Default,
};

/// Views of an article by day: 16 counters, access × agent (contract §4.3).
pub static PAGEVIEWS_PER_ARTICLE: Table = Table {
    name: "pageviews_per_article_flat",
    partition: &[text("project"), text("article"), text("granularity")],
    clustering: &[text(TIMESTAMP)],
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
    calendar: Calendar::Series(Form::Hour),
    compression: Compression::Deflate,
};

/// Views of a project; `views` is the column of old rows.
pub static PAGEVIEWS_PER_PROJECT: Table = Table {
    name: "pageviews_per_project_v2",
    partition: &[text("project"), text("access"), text("agent"), text("granularity")],
    clustering: &[text(TIMESTAMP)],
    values: &[bigint("v"), int("views")],
    calendar: Calendar::Series(Form::Hour),
    compression: Compression::Default,
};

/// The most viewed articles; `articles` is the column of old rows.
pub static TOP_PAGEVIEWS: Table = Table {
    name: "top_pageviews",
    partition: &[text("project"), text("access"), text("year"), text("month"), text("day")],
    clustering: &[],
    values: &[json("articlesJSON"), json("articles")],
    calendar: Calendar::YearMonthDay,
    compression: Compression::Default,
};

/// The countries that a project is read from.
pub static TOP_BY_COUNTRY: Table = Table {
    name: "top_bycountry",
    partition: &[text("project"), text("access"), text("year"), text("month")],
    clustering: &[],
    values: &[json("countriesJSON")],
    calendar: Calendar::YearMonth,
    compression: Compression::Default,
};

/// What a country reads.
pub static TOP_PER_COUNTRY: Table = Table {
    name: "top_percountry",
    partition: &[text("country"), text("access"), text("year"), text("month"), text("day")],
    clustering: &[],
    values: &[json("articles")],
    calendar: Calendar::YearMonthDay,
    compression: Compression::Default,
};

pub static LEGACY_PAGECOUNTS: Table = Table {
    name: "lgc_pagecounts_per_project",
    partition: &[text("project"), text("access-site"), text("granularity")],
    clustering: &[text(TIMESTAMP)],
    values: &[bigint("count")],
    calendar: Calendar::Series(Form::Hour),
    compression: Compression::Default,
};
