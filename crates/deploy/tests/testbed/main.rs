//! What the tests start where Solum would start itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(word), Some(directory)) if word == "shim" => deploy::shim::run(directory.as_ref()),
        _ => ExitCode::from(2),
    }
}
