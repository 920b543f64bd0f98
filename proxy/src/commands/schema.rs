//! `aqs schema`: prints or applies the schema of Cassandra.

use super::{Done, load};
use crate::cli::SchemaArgs;
use aqs_api::Catalogue;
use aqs_origin::store::cassandra::schema::{self, Change, Wanted};
use std::io::Write;
use std::process::ExitCode;

pub fn run(args: &SchemaArgs) -> Done {
    let tables = Catalogue::standard()?.tables();
    if !args.apply {
        let replication = args.replication.clone().unwrap_or_default();
        let script = schema::script(&tables, &replication, args.grant.as_deref());
        std::io::stdout().write_all(script.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let to = load::cassandra_options(args.config.as_deref(), None)?;
    let wanted = Wanted {
        tables: &tables,
        replication: args.replication.clone(),
        grant: args.grant.as_deref(),
    };
    let mut changes = 0u64;
    let mut report = |change: Change| {
        changes += u64::from(change.is_done());
        println!("{change}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(schema::apply(&to, &wanted, &mut report))?;
    let at = to.contact_points().join(", ");
    match changes {
        0 => println!("Nothing was missing at {at}"),
        _ => println!("The schema is applied at {at}, and all nodes agree"),
    }
    Ok(ExitCode::SUCCESS)
}
