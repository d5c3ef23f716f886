//! The git configuration and the hooks that all hosted repositories share.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{RepositoriesConfig, sync};
use crate::Error;
use crate::hook;

/// Where a `#!` line may end at the latest: Linux reads 256 bytes of it.
const SHEBANG_BOUND: usize = 250;

/// Writes both, atomically, whatever stood there before. What stands there already takes no room: a server starts on a full
/// disk too.
pub(super) fn write(config: &RepositoriesConfig, settings: &Path) -> Result<(), Error> {
    // For this user only, from the first moment on.
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    let hooks = config.directory.join("hooks");
    private.create(&hooks).map_err(Error::io("making a directory", &hooks))?;
    let launcher = launcher(&config.program)?;
    for name in hook::NAMES {
        replace(&hooks.join(name), launcher.as_bytes(), 0o755)?;
    }
    replace(settings, shared(&hooks)?.as_bytes(), 0o644)?;
    sync(&config.directory)
}

/// What stands in a repository itself: should a push reach it past the server, and so past the shared settings, there
/// is no hook to carry it out and git refuses it.
pub(super) fn own(repository: &Path) -> Result<(), Error> {
    let path = repository.join("config");
    let mut text = fs::read_to_string(&path).map_err(Error::io("reading a file", &path))?;
    text.push_str("[receive]\n\tprocReceiveRefs = refs\n");
    replace(&path, text.as_bytes(), 0o644)
}

/// The kernel starts the hook program directly and hands it the path of the hook as its last argument. Where the
/// program's path cannot stand in a `#!` line, a shell does the same.
fn launcher(program: &Path) -> Result<String, Error> {
    let path = program
        .to_str()
        .filter(|path| !path.contains('\n'))
        .ok_or_else(|| Error::UnusablePath(program.to_owned()))?;
    if path.len() < SHEBANG_BOUND - "#! hook".len() && !path.contains([' ', '\t']) {
        Ok(format!("#!{path} hook\n"))
    } else {
        Ok(format!("#!/bin/sh\nexec '{}' hook \"$0\"\n", path.replace('\'', r"'\''")))
    }
}

fn shared(hooks: &Path) -> Result<String, Error> {
    let mut text = String::from(include_str!("settings.config"));
    let _ = write!(text, "[core]\n\thooksPath = {}\n", quoted(hooks)?);
    Ok(text)
}

/// A value as git-config(1), "Syntax", wants it.
fn quoted(path: &Path) -> Result<String, Error> {
    let text = path
        .to_str()
        .filter(|text| !text.contains('\n'))
        .ok_or_else(|| Error::UnusablePath(path.to_owned()))?;
    Ok(format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")))
}

fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let has_mode = fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o7777 == mode);
    if has_mode && fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let mut name = path.as_os_str().as_bytes().to_vec();
    name.extend_from_slice(b".new");
    let new = Path::new(std::ffi::OsStr::from_bytes(&name));
    let attempt = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(new)?;
        std::io::Write::write_all(&mut file, content)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        drop(file);
        fs::rename(new, path)
    };
    attempt().map_err(Error::io("writing a file", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_program_is_started_by_the_kernel_itself() {
        assert_eq!(launcher(Path::new("/opt/solum")).unwrap(), "#!/opt/solum hook\n");
    }

    #[test]
    fn a_path_that_no_shebang_line_can_hold_goes_through_a_shell() {
        assert_eq!(
            launcher(Path::new("/it's here/solum")).unwrap(),
            "#!/bin/sh\nexec '/it'\\''s here/solum' hook \"$0\"\n"
        );
        let long = format!("/{}", "x".repeat(300));
        assert!(launcher(Path::new(&long)).unwrap().starts_with("#!/bin/sh\n"));
    }

    #[test]
    fn a_path_is_quoted_for_git() {
        assert_eq!(quoted(Path::new(r#"/a "b" \c#"#)).unwrap(), r#""/a \"b\" \\c#""#);
    }
}
