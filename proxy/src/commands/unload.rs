//! `aqs unload`: removes rows from an embedded store.

use super::exit::Exit;
use super::{CommandResult, format, output};
use aqs_api::Catalogue;
use aqs_api::calendar::Digits;
use aqs_origin::store::embedded::{Selection, StoreWriter, WriterOptions};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["dataset", "values", "from", "to"])))]
pub struct UnloadArgs {
    /// Only rows with this value in a key column, as project=en.wikipedia (aqs tables lists them)
    #[arg(value_name = "COLUMN=VALUE", value_parser = parse_value)]
    pub values: Vec<(String, String)>,
    /// The embedded store
    #[arg(long, value_name = "PATH")]
    pub store: PathBuf,
    /// Only of this dataset, as pageviews-top-daily; may be repeated
    #[arg(long, value_name = "NAME")]
    pub dataset: Vec<String>,
    /// Only periods that begin on this day (YYYYMMDD) or later
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub from: Option<Digits>,
    /// Only periods that begin on this day or earlier
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub to: Option<Digits>,
    /// Count the rows, and remove none
    #[arg(long)]
    pub dry_run: bool,
}

fn parse_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() && !value.is_empty() => {
            Ok((column.to_owned(), value.to_owned()))
        }
        _ => Err("write COLUMN=VALUE, as project=en.wikipedia".to_owned()),
    }
}

fn parse_day(text: &str) -> Result<Digits, String> {
    let digits = text.replace('-', "");
    let day = if digits.len() == 8 { Digits::from_text(&digits) } else { None };
    day.filter(|day| aqs_api::calendar::Hour::parse(day.as_str()).is_some())
        .ok_or_else(|| "write a day as 20261231 or 2026-12-31".to_owned())
}

/// Removes the rows in one transaction and prints their numbers.
pub fn run(args: &UnloadArgs) -> CommandResult {
    let catalogue = Catalogue::standard()?;
    let selection = Selection {
        datasets: args.dataset.clone(),
        values: args.values.clone(),
        from: args.from,
        to: args.to,
    };
    let parts = selection.parts(&catalogue)?;
    let mut writer = StoreWriter::open(&args.store, &catalogue, WriterOptions::default())?;
    let mut removed = Vec::new();
    for part in &parts {
        let rows = writer.remove(part)?;
        if rows > 0 {
            removed.push((part.dataset.name, rows));
        }
    }
    if removed.is_empty() {
        return Err(format!("no row of {} matches", args.store.display()).into());
    }
    if !args.dry_run {
        writer.commit()?;
    }
    let rows = removed.iter().map(|(dataset, rows)| [(*dataset).to_owned(), rows.to_string()]);
    output::note(&format::table(["dataset", "rows"], rows));
    output::note(&if args.dry_run {
        "Nothing was removed: this was a dry run\n".to_owned()
    } else {
        let commands =
            removed.iter().map(|(name, _)| format!("  aqs purge --hard --dataset {name}\n"));
        format!(
            "Removed. Running servers notice, and may serve what they hold once more; to prevent that, on \
             each server:\n{}",
            commands.collect::<String>()
        )
    });
    Ok(Exit::Success.into())
}
