//! What stands under `with:` of a built-in action.

use std::collections::BTreeMap;

/// An action cannot do what its `with:` asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    #[error("`{name}` is required")]
    Missing { name: &'static str },
    #[error("`{name}: {given}` is not {wanted}")]
    Invalid { name: &'static str, given: String, wanted: &'static str },
    #[error("`{name}` is not supported here: {why}")]
    Unsupported { name: &'static str, why: &'static str },
}

/// The values, evaluated. Names do not depend on case.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a>(pub &'a BTreeMap<String, String>);

impl<'a> Inputs<'a> {
    /// The value of an input that says something.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Its lines that say something.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<&'a str> {
        let lines = self.text(name).into_iter().flat_map(str::lines).map(str::trim);
        lines.filter(|line| !line.is_empty()).collect()
    }

    pub fn flag(&self, name: &'static str, default: bool) -> Result<bool, InputError> {
        match self.text(name) {
            None => Ok(default),
            Some("true" | "True" | "TRUE") => Ok(true),
            Some("false" | "False" | "FALSE") => Ok(false),
            Some(given) => {
                Err(InputError::Invalid { name, given: given.to_owned(), wanted: "true or false" })
            }
        }
    }

    pub fn number(&self, name: &'static str, default: u32) -> Result<u32, InputError> {
        let Some(given) = self.text(name) else { return Ok(default) };
        given.parse().map_err(|_| {
            let given = given.to_owned();
            InputError::Invalid { name, given, wanted: "a whole number, 0 or more" }
        })
    }

    /// Refuses an input that would change what happens, and that nobody here honours.
    pub fn refuse(&self, name: &'static str, why: &'static str) -> Result<(), InputError> {
        match self.text(name) {
            None | Some("false") => Ok(()),
            Some(_) => Err(InputError::Unsupported { name, why }),
        }
    }
}
