//! `aqs schema`: prints or applies the schema of Cassandra.

use super::{CommandResult, load, output};
use aqs_api::Catalogue;
use aqs_origin::store::cassandra::replication::Replication;
use aqs_origin::store::cassandra::schema::{self, Change, Wanted};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Create what is missing in the cluster, instead of printing; existing tables get new columns
    /// and no other change
    #[arg(long)]
    pub apply: bool,
    /// With --apply: the configuration with the section cassandra [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Replicas of new keyspaces by data centre, as eqiad=3,codfw=3 [default: 3 in each data
    /// centre of the cluster, or as many as it has nodes; printed: datacenter1=3]
    #[arg(long, value_name = "CENTRES")]
    pub replication: Option<Replication>,
    /// Grant this existing user SELECT on the tables
    #[arg(long, value_name = "USER")]
    pub grant: Option<String>,
}

pub fn run(args: &SchemaArgs) -> CommandResult {
    let tables = Catalogue::standard()?.tables();
    if !args.apply {
        let replication = args.replication.clone().unwrap_or_default();
        let script = schema::script(&tables, &replication, args.grant.as_deref());
        output::result(&script)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (_, to) = load::cassandra_options(args.config.as_deref(), None)?;
    let wanted = Wanted {
        tables: &tables,
        replication: args.replication.clone(),
        grant: args.grant.as_deref(),
    };
    let mut changes = 0u64;
    let mut report = |change: Change| {
        changes += u64::from(change.is_done());
        output::note(&format!("{change}\n"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(schema::apply(&to, &wanted, &mut report))?;
    let at = to.contact_points().join(", ");
    output::note(&match changes {
        0 => format!("Nothing was missing at {at}\n"),
        _ => format!("The schema is applied at {at}, and all nodes agree\n"),
    });
    Ok(ExitCode::SUCCESS)
}
