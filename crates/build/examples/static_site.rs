//! `static_site static --root DIRECTORY --port PORT`: what `solum static` does, as a program of its own for tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, command, root_option, root, port_option, port] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let known = [command, root_option, port_option] == ["static", "--root", "--port"];
    let (true, Ok(port)) = (known, port.parse()) else { return ExitCode::from(2) };
    match build::static_site::run(root.as_ref(), SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
