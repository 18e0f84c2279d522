//! Does natively what the JavaScript package does, line by line from standard input: `js-native calls` or `answers`.

mod answers;
mod calls;

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let input = io::stdin().lock();
    let output = io::BufWriter::new(io::stdout().lock());
    let done = match std::env::args().nth(1).as_deref() {
        Some("calls") => calls::run(input, output),
        Some("answers") => answers::run(input, output),
        _ => Err(io::Error::other("calls or answers")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("js-native: {error}");
            ExitCode::FAILURE
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
