//! What this machine offers to bundles. Packages come and go while a server runs, so before a bundle is refused for what the
//! machine lacks, the machine is looked at again.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use types::{Stack, StackMismatch};

type Look = dyn Fn() -> Pin<Box<dyn Future<Output = Stack> + Send>> + Send + Sync;

/// The stack of this machine, and a way to find it out anew.
pub struct Machine {
    known: Mutex<Stack>,
    look: Box<Look>,
}

impl Machine {
    /// `look` must come to an end by itself.
    pub fn new<F>(known: Stack, look: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Stack> + Send + 'static,
    {
        Self { known: Mutex::new(known), look: Box::new(move || Box::pin(look())) }
    }

    pub(super) async fn offers(&self, wanted: &Stack) -> Result<(), StackMismatch> {
        if wanted.check_on(&self.known()).is_ok() {
            return Ok(());
        }
        let now = (self.look)().await;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = now.clone();
        wanted.check_on(&now)
    }

    fn known(&self) -> Stack {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One that does not change.
impl From<Stack> for Machine {
    fn from(stack: Stack) -> Self {
        Self::new(stack.clone(), move || std::future::ready(stack.clone()))
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Machine").field(&self.known()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn stack(python: &str) -> Stack {
        let runtimes = [("/usr/bin/python3".to_owned(), python.to_owned())].into();
        let (os, libc, architecture) = ("debian-12".into(), "glibc-2.36".into(), "x86_64".into());
        Stack { os, libc, architecture, runtimes }
    }

    #[tokio::test]
    async fn what_was_installed_meanwhile_counts_and_what_was_removed_too() {
        let installed = Arc::new(Mutex::new("3.11.2".to_owned()));
        let look = Arc::clone(&installed);
        let machine =
            Machine::new(stack("3.11.2"), move || std::future::ready(stack(&look.lock().unwrap())));
        assert!(machine.offers(&stack("3.12.1")).await.is_err());
        *installed.lock().unwrap() = "3.12.4".to_owned();
        assert_eq!(machine.offers(&stack("3.12.1")).await, Ok(()));
        assert!(machine.offers(&stack("3.11.2")).await.is_err());
    }
}
