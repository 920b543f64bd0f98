//! Top lists as stores keep them: JSON in one cell.

use aqs_api::table::Table;
use aqs_api::tables;
use std::fmt::Write;

/// How many articles a list has, as in production.
pub const ARTICLES: u64 = 1000;
/// How many countries a list has.
const COUNTRIES: u64 = 200;

/// The JSON that a table of lists holds in a row.
pub fn json(table: &Table, seed: u64) -> String {
    let by_country = table.name == tables::TOP_BY_COUNTRY.name;
    let with_project = table.name == tables::TOP_PER_COUNTRY.name;
    let mut list = String::from("[");
    for rank in 1..=if by_country { COUNTRIES } else { ARTICLES } {
        let comma = if rank > 1 { "," } else { "" };
        let views = (seed % 9_000 + 1_000) * 1_000 / rank;
        // Writing to a String can't fail.
        let _ = if by_country {
            let country = country(rank);
            write!(list, r#"{comma}{{"country":"{country}","views":{views},"rank":{rank}}}"#)
        } else if with_project {
            let title = title(rank);
            write!(
                list,
                r#"{comma}{{"article":"{title}","project":"en.wikipedia","views_ceil":{views},"rank":{rank}}}"#
            )
        } else {
            let title = title(rank);
            write!(list, r#"{comma}{{"article":"{title}","views":{views},"rank":{rank}}}"#)
        };
    }
    list.push(']');
    list
}

/// Titles of the lengths that real ones have; one in eight is not ASCII, one in sixteen has
/// quotes, which no reader can borrow from JSON.
fn title(rank: u64) -> String {
    match rank % 16 {
        0 => format!(r#"\"Heroes\"_(album_{rank})"#),
        3 | 11 => format!("Café_de_Zürich_日本_{rank}"),
        5 => format!("Special:Search_{rank}"),
        _ => format!("List_of_things_number_{rank}"),
    }
}

fn country(rank: u64) -> String {
    let letter = |index: u64| char::from(b'A' + (index % 26) as u8);
    format!("{}{}", letter(rank / 26), letter(rank))
}
