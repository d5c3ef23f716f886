//! One-offs.

use std::time::Duration;

use deploy::{Driver, Error, Exit, Output, OutputStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::world::{World, is_running, mark, until};

fn words(line: &str) -> Vec<String> {
    ["/bin/sh", "-c", line].map(str::to_owned).to_vec()
}

async fn take(mut output: mpsc::Receiver<Output>) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(Output { stream, bytes }) = output.recv().await {
        match stream {
            OutputStream::Stdout => out.extend_from_slice(&bytes),
            OutputStream::Stderr => err.extend_from_slice(&bytes),
        }
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn a_command_sees_the_apps_tree_and_data_and_its_output_comes_as_it_is() {
    let world = World::new();
    let bundle = world.prepared(&[("f", "mine\n")]).await;
    let spec = world.spec(&bundle, "unused");
    let (sender, receiver) = mpsc::channel(4);
    let line = "cat f; echo kept >/data/f; printf 'no newline'; echo oops >&2; id -u >&2; exit 5";
    let (exit, (out, err)) = tokio::join!(
        world.driver.exec(&spec, words(line), sender, CancellationToken::new()),
        take(receiver)
    );
    assert_eq!(exit.unwrap(), Exit::Code(5));
    assert_eq!(out, "mine\nno newline");
    assert_eq!(err, format!("oops\n{}\n", world.owner.uid));
    assert_eq!(world.output_of(world.spec(&bundle, "cat /data/f")).await.1, "kept\n");
    assert_eq!(std::fs::read_dir(world.directory.join("exec")).unwrap().count(), 0);
}

#[tokio::test]
async fn nobody_who_listens_means_nobody_who_runs() {
    let world = World::new();
    let mark = mark();
    let spec = world.running("unused").await;
    let (sender, receiver) = mpsc::channel(4);
    drop(receiver);
    let line = words(&format!("sleep {mark} & sleep {mark}"));
    let exit = world.driver.exec(&spec, line, sender, CancellationToken::new()).await;
    assert!(matches!(exit, Ok(Exit::Signal(9) | Exit::NotRun)), "{exit:?}");
    assert!(!is_running(&mark));
}

#[tokio::test]
async fn a_command_ends_with_the_call() {
    let world = World::new();
    let mark = mark();
    let spec = world.running("unused").await;
    let (sender, _receiver) = mpsc::channel(4);
    let line = words(&format!("sleep {mark}"));
    let call = world.driver.exec(&spec, line, sender, CancellationToken::new());
    tokio::select! {
        exit = call => panic!("{exit:?}"),
        () = until("it runs", || is_running(&format!("sleep {mark}"))) => {}
    }
    until("it is gone", || !is_running(&mark)).await;
    // What the call could not clear away, the next server does.
    until("its shim is gone", || !is_running(world.directory.to_str().unwrap())).await;
    let _next = world.restarted();
    assert_eq!(std::fs::read_dir(world.directory.join("exec")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_slow_reader_slows_the_command_and_loses_nothing() {
    let world = World::new();
    let spec = world.running("unused").await;
    let (sender, mut receiver) = mpsc::channel::<Output>(1);
    let line = words("head -c 3000000 /dev/zero");
    let reading = async {
        let mut bytes = 0;
        while let Some(output) = receiver.recv().await {
            bytes += output.bytes.len();
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        bytes
    };
    let (exit, bytes) =
        tokio::join!(world.driver.exec(&spec, line, sender, CancellationToken::new()), reading);
    assert_eq!((exit.unwrap(), bytes), (Exit::Code(0), 3_000_000));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_to_be_missing() {
    let world = World::new();
    let spec = world.running("unused").await;
    let (sender, receiver) = mpsc::channel(4);
    let command = vec!["no-such-program".to_owned()];
    let (exit, (_, err)) = tokio::join!(
        world.driver.exec(&spec, command, sender, CancellationToken::new()),
        take(receiver)
    );
    assert_eq!(exit.unwrap(), Exit::Code(127));
    assert!(err.contains("no-such-program: not found"), "{err}");
    let (sender, _receiver) = mpsc::channel(4);
    let error = world.driver.exec(&spec, Vec::new(), sender, CancellationToken::new()).await;
    assert!(matches!(error, Err(Error::Start(_))));
}
