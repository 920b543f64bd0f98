//! `aqs tables`: explains the tables that a load fills.

use super::exit::Exit;
use super::{CommandResult, format, output};
use aqs_api::Catalogue;
use aqs_api::catalogue::{ColumnDoc, TableDoc};
use aqs_origin::suggest;
use std::fmt::Write;

const HEAD: &str = "\
# Tables

Written by `aqs tables --page`; don't edit it. `aqs load` fills these tables from files of NDJSON or CSV
that are named after them: a field for each column, with the key columns in each row. An absent
value column leaves the stored value as it is, a null clears it. In CSV the first line has the names of the
columns, and an empty field is an absent one. `aqs sample DIR` writes an example of each.
";

pub fn run(table: Option<&str>, page: bool) -> CommandResult {
    let catalogue = Catalogue::standard()?;
    let tables = catalogue.tables();
    let text = match table {
        _ if page => self::page(&catalogue),
        None => {
            let docs = tables.iter().map(|table| catalogue.table_doc(table));
            let row = |doc: TableDoc| [doc.name.to_owned(), doc.endpoints.join(", ")];
            format::table(["table", "read by"], docs.map(row))
        }
        Some(name) => {
            let Some(table) = tables.iter().find(|table| table.name == name) else {
                let nearest = suggest(name, tables.iter().map(|table| table.name));
                let hint =
                    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
                return Err(format!("there is no table {name:?}{hint}").into());
            };
            describe(&catalogue.table_doc(table))
        }
    };
    output::result(&text)?;
    Ok(Exit::Success.into())
}

fn describe(doc: &TableDoc) -> String {
    let TableDoc { name, endpoints, datasets, columns } = doc;
    let row = |column: &ColumnDoc| {
        let key = if column.is_key { "key" } else { "" };
        [column.name.to_owned(), key.to_owned(), column.takes.clone(), column.meaning.clone()]
    };
    format!(
        "{name}, read by {}; datasets {}\n\n{}",
        endpoints.join(", "),
        datasets.join(", "),
        format::table(["column", "", "takes", "meaning"], columns.iter().map(row))
    )
}

/// All tables as a Markdown page.
fn page(catalogue: &Catalogue) -> String {
    let mut page = HEAD.to_owned();
    for table in catalogue.tables() {
        let TableDoc { name, endpoints, datasets, columns } = catalogue.table_doc(table);
        let (endpoints, datasets) = (endpoints.join(", "), datasets.join(", "));
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n## {name}\n\nRead by {endpoints}. Datasets: {datasets}.\n\n\
             | column | key | takes | meaning |\n|---|---|---|---|\n"
        );
        for ColumnDoc { name, takes, meaning, is_key } in columns {
            let key = if is_key { "yes" } else { "" };
            let _ = writeln!(page, "| `{name}` | {key} | {takes} | {meaning} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_page_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/TABLES.md");
        let page = page(&Catalogue::standard().unwrap());
        if std::env::var_os("AQS_WRITE_PAGES").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == page, "stale: aqs tables --page > config/TABLES.md");
    }
}
