use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::*;

#[test]
fn ports_lie_outside_of_what_the_kernel_hands_out() {
    assert_eq!(candidates("32768\t60999\n"), 10_240..32_768);
    assert_eq!(candidates("10000\t20000\n"), 20_001..65_535);
    assert_eq!(candidates("1024\t65535\n"), 10_240..65_535);
}

#[test]
fn two_reservations_never_meet() {
    let directory = tempfile::tempdir().unwrap();
    let first = reserve(directory.path(), None).unwrap();
    let second = reserve(directory.path(), Some(first.address)).unwrap();
    assert_ne!(first.address, second.address);
    let port = first.address;
    drop(first);
    assert_eq!(reserve(directory.path(), Some(port)).unwrap().address, port);
}

#[test]
fn a_port_that_somebody_listens_on_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let first = reserve(directory.path(), None).unwrap().address;
    let _taken = TcpListener::bind(first).unwrap();
    assert_ne!(reserve(directory.path(), Some(first)).unwrap().address, first);
}

#[test]
fn a_port_that_somebody_has_bound_to_himself_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let reservation = reserve(directory.path(), None).unwrap();
    assert!(reservation.is_free(InTheWay::Others) && reservation.is_free(InTheWay::Any));
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    rustix::net::bind(&socket, &reservation.address).unwrap();
    // Who sets SO_REUSEADDR can listen there all the same, who does not cannot.
    assert!(reservation.is_free(InTheWay::Others));
    assert!(!reservation.is_free(InTheWay::Any));
}

#[test]
fn a_port_that_a_shim_of_a_former_version_has_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let first = reserve(directory.path(), None).unwrap().address;
    let name = format!("solum-port-{}", first.port());
    let name = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    let shim = UnixListener::bind_addr(&name).unwrap();
    assert_ne!(reserve(directory.path(), Some(first)).unwrap().address, first);
    drop(shim);
    assert_eq!(reserve(directory.path(), Some(first)).unwrap().address, first);
}

#[test]
fn that_an_app_has_taken_the_name_of_a_port_means_nothing() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can run something as another user");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let first = reserve(directory.path(), None).unwrap().address;
    let squat = r#"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("\0solum-port-" + sys.argv[1])
s.listen()
print("taken", flush=True)
sys.stdin.read()
"#;
    let mut evil = Command::new("/usr/bin/setpriv")
        .env("PATH", "/usr/bin:/bin")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", squat])
        .arg(first.port().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(evil.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let reserved = reserve(directory.path(), Some(first)).unwrap().address;
    drop(evil.stdin.take());
    evil.wait().unwrap();
    assert_eq!((said.as_str(), reserved), ("taken\n", first));
}
