//! Writes the dashboard.

use std::process::ExitCode;

fn main() -> ExitCode {
    match aqs_dashboards::write_dashboard() {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("aqs-dashboards: {error}");
            ExitCode::FAILURE
        }
    }
}
