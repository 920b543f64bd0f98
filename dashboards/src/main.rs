//! Writes the dashboard and the rules.

use std::process::ExitCode;

fn main() -> ExitCode {
    match aqs_dashboards::write() {
        Ok(written) => {
            for path in written {
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("aqs-dashboards: {error}");
            ExitCode::FAILURE
        }
    }
}
