//! Ctrl-C stops the server and removes the scratch directory, whatever the demo is doing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testkit::Stopper;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

#[derive(Debug, Default)]
struct State {
    asked: AtomicBool,
    shown: AtomicBool,
    stopper: Mutex<Option<Stopper>>,
}

#[derive(Debug)]
pub(super) struct Interrupt(Arc<State>);

impl Interrupt {
    pub(super) fn listen(directory: PathBuf) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for Ctrl-C")?;
        let state = Arc::new(State::default());
        let heard = Arc::clone(&state);
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                heard.asked.store(true, Ordering::SeqCst);
                std::process::exit(heard.clean_up(&directory));
            }
        });
        Ok(Self(state))
    }

    /// From now on there is a server to be stopped.
    pub(super) fn guard(&self, stopper: Stopper) {
        *self.0.stopper.lock().unwrap_or_else(PoisonError::into_inner) = Some(stopper);
    }

    /// Everything was shown: waits for Ctrl-C, which ends this process.
    pub(super) fn wait(&self) -> ! {
        self.0.shown.store(true, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    }

    /// Ctrl-C makes the commands of the demo fail, too: then this is not told as a failure, and
    /// the thread that heard it ends the process.
    pub(super) fn wait_if_asked(&self) {
        while self.0.asked.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

impl State {
    fn clean_up(&self, directory: &std::path::Path) -> i32 {
        println!("\nStopping the server and its apps");
        let stopper = self.stopper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stopped = stopper.map_or(Ok(()), |stopper| stopper.stop());
        let removed =
            std::fs::remove_dir_all(directory).context("cannot remove the scratch directory");
        if let Err(error) = stopped.and(removed) {
            eprintln!("error: {error:#}");
            return 1;
        }
        println!("Stopped; nothing is left of them");
        if self.shown.load(Ordering::SeqCst) { 0 } else { INTERRUPTED }
    }
}
