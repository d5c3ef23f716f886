use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// What the benchmarks of push and idle take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// The program to measure; else it is built.
    pub(super) solum: Option<PathBuf>,
    pub(super) rounds: usize,
}

impl Options {
    pub(super) fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self { solum: None, rounds: 10 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--solum" => options.solum = Some(value()?.into()),
                "--rounds" => {
                    let rounds = value()?;
                    options.rounds = rounds
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)
                        .with_context(|| format!("--rounds {rounds}: give a number from 1"))?;
                }
                other => bail!("there is no option {other}: give --solum PATH or --rounds N"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options> {
        Options::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(read(&[]).unwrap(), Options { solum: None, rounds: 10 });
        let both = read(&["--rounds", "3", "--solum", "/x"]).unwrap();
        assert_eq!(both, Options { solum: Some("/x".into()), rounds: 3 });
        for bad in [&["--rounds", "0"][..], &["--rounds"], &["--fast"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
