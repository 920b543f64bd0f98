//! `aqs schema`: the schema of Cassandra, printed or applied.

use super::{Done, cluster};
use crate::cli::SchemaArgs;
use aqs_api::Catalogue;
use aqs_origin::store::cassandra::schema::{self, Change, Wanted};
use std::io::Write;
use std::process::ExitCode;

/// Prints the schema, or makes what a cluster lacks of it.
pub fn run(args: &SchemaArgs) -> Done {
    let tables = Catalogue::standard()?.tables();
    if !args.apply {
        let replication = args.replication.clone().unwrap_or_default();
        let script = schema::script(&tables, &replication, args.grant.as_deref());
        std::io::stdout().write_all(script.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let (_, to) = cluster::of(args.config.as_deref(), None, None)?;
    let wanted = Wanted {
        tables: &tables,
        replication: args.replication.clone(),
        grant: args.grant.as_deref(),
    };
    let mut done = 0u64;
    let mut tell = |change: Change| {
        done += u64::from(change.is_done());
        println!("{change}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(schema::apply(&to, &wanted, &mut tell))?;
    let at = to.contact_points().join(", ");
    match done {
        0 => println!("Nothing was missing at {at}"),
        _ => println!("The schema is applied at {at}, and all nodes agree"),
    }
    Ok(ExitCode::SUCCESS)
}
