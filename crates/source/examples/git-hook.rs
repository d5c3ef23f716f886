//! What git's hooks run in the tests of this crate, where there is no `solum hook`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(2) {
        Some(name) => source::hook::run(&name),
        None => ExitCode::from(2),
    }
}
