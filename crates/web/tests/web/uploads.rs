//! Uploads that are refused while they are still being sent.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::Bench;

/// The bench takes 1 MiB.
const SENT: usize = 1_900_000;

#[tokio::test]
async fn a_client_that_sends_too_much_without_saying_how_much_gets_its_answer() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    let head = format!(
        "POST /api/v1/apps/shop/uploads HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/gzip\r\ntransfer-encoding: chunked\r\n\r\n",
        bench.address, bench.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // All of it before a byte of the answer is read, as simple clients do.
    let chunk = [format!("{:x}\r\n", 100_000).as_bytes(), &[7; 100_000], b"\r\n"].concat();
    for _ in 0..SENT / 100_000 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4_096];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    drop(stream);
    bench.stop().await;
}
