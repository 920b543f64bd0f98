//! Tells the program which compiler made it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    // `rustc 1.95.0 (59807616e 2026-04-14)`: name and number identify it.
    let version: Vec<&str> = said.as_deref().unwrap_or_default().split(' ').take(2).collect();
    println!("cargo:rustc-env=AQS_RUST_VERSION={}", version.join(" ").trim());
}
