//! One way to move a state: through [`Transition::to`], which refuses what the state machine does
//! not have.

use std::fmt::{Debug, Display};

/// A state whose legal successors are known.
pub trait Transition: Copy + Eq + Debug + Display {
    /// Whether `next` may directly follow `self`. Staying is not a transition.
    fn allows(self, next: Self) -> bool;

    /// Whether nothing follows `self`.
    fn is_terminal(self) -> bool;

    /// Moves to `next`, or says that the state machine has no such arrow.
    fn to(self, next: Self) -> Result<Self, IllegalTransition> {
        if self.allows(next) {
            Ok(next)
        } else {
            Err(IllegalTransition { from: self.to_string(), to: next.to_string() })
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a state cannot go from {from} to {to}")]
pub struct IllegalTransition {
    pub from: String,
    pub to: String,
}

/// Gives a unit-only state enum its words: `as_str`, `Display`, `FromStr`.
macro_rules! state_words {
    ($state:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $state {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $state {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $state {
            type Err = $crate::name::InvalidName;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|state| state.as_str() == word).ok_or_else(|| {
                    $crate::name::InvalidName::new(stringify!($state), word, concat!("one of" $(, " ", $word)+))
                })
            }
        }
    };
}
pub(crate) use state_words;
