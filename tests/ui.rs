//! What does not compile, and what the compiler says to it.
//!
//! The messages in `tests/ui` are those of one compiler, and another words them otherwise; so with another one the
//! test says that it did not run. `TRYBUILD=overwrite` writes them anew.

use std::env;
use std::process::Command;

/// The compiler of the messages.
const COMPILER: &str = "rustc 1.95.";

fn compiler() -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok()
}

// promises: P1, P13
#[test]
fn no_way_around_the_gate_compiles() {
    let compiler = compiler().unwrap_or_else(|| "an unknown compiler".to_owned());
    if !compiler.starts_with(COMPILER) {
        eprintln!("not run: the messages are those of {COMPILER}x, this is {compiler}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    #[cfg(feature = "embassy-sync")]
    cases.compile_fail("tests/ui/gate/*.rs");
}
