use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The program under test: what was asked for, else `SOLUM_BIN`, else what cargo built beside the
/// running test.
pub(super) fn find(asked: Option<&Path>) -> Result<PathBuf> {
    let named = asked.map(Path::to_owned).or_else(|| std::env::var_os("SOLUM_BIN").map(Into::into));
    if let Some(path) = named {
        let whole = path.canonicalize();
        return whole.with_context(|| format!("there is no program {}", path.display()));
    }
    let running = std::env::current_exe().context("cannot tell where the running test is")?;
    beside(&running)
}

/// Tests are in `target/PROFILE/deps`, programs one folder above.
fn beside(running: &Path) -> Result<PathBuf> {
    let folders = running.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("solum")).find(|path| path.is_file());
    let Some(found) = found else {
        bail!(
            "there is no `solum` beside {}: build it with `cargo build -p solum`, or name one \
             in SOLUM_BIN",
            running.display()
        );
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_beside_a_test_or_one_folder_above() {
        let directory = tempfile::tempdir().unwrap();
        let deps = directory.path().join("deps");
        std::fs::create_dir(&deps).unwrap();
        let error = beside(&deps.join("test-1")).unwrap_err().to_string();
        assert!(error.contains("cargo build -p solum"), "{error}");
        let program = directory.path().join("solum");
        std::fs::write(&program, "").unwrap();
        assert_eq!(beside(&deps.join("test-1")).unwrap(), program);
        assert_eq!(beside(&directory.path().join("xtask")).unwrap(), program);
    }
}
