//! Writes the dashboard.

use aqs_dashboards::{DASHBOARD_FILE, dashboard_json, directory};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = directory().join(DASHBOARD_FILE);
    std::fs::write(&path, dashboard_json()?)?;
    println!("{}", path.display());
    Ok(())
}
