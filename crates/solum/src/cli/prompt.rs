//! Asking a person for what nobody may read over their shoulder.

use std::io::{self, IsTerminal as _};

use rustix::termios::{self, LocalModes, OptionalActions};

use super::output;

/// Says what is wanted, if a person sits there. What they type is not shown while the answer of this lives.
pub(crate) fn ask(what: &str) -> Option<Quiet> {
    io::stdin().is_terminal().then(|| Quiet::begin(what))
}

/// While it lives, the terminal does not show what is typed.
pub(crate) struct Quiet(Option<termios::Termios>);

impl Quiet {
    fn begin(what: &str) -> Self {
        output::say(what);
        let before = termios::tcgetattr(rustix::stdio::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &silent);
        }
        Self(before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, before);
        }
    }
}
