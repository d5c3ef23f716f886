//! Where a symbolic link in a bundle may point.

use std::path::{Component, Path, PathBuf};

use super::PackError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// A package manager made them.
    Trusted,
    /// Inside the app, or to the system's own files, which every box shows.
    Inside,
}

/// What a link may name besides the app: the parts of the system that a box shows. Made by tools such as `python -m venv`.
const SYSTEM: &[&str] = &["/app", "/usr", "/bin", "/lib", "/lib64", "/sbin", "/opt", "/tmp"];

impl Links {
    /// `name` is the link's path in the layer.
    pub(crate) fn check(self, name: &Path, target: &Path) -> Result<(), PackError> {
        if self == Self::Trusted {
            return Ok(());
        }
        let inside = if target.is_absolute() {
            let resolved = resolve(target).map(|path| Path::new("/").join(path));
            resolved.is_some_and(|target| SYSTEM.iter().any(|path| target.starts_with(path)))
        } else {
            let joined = name.parent().unwrap_or(Path::new("")).join(target);
            resolve(&joined).is_some_and(|path| path.starts_with("app"))
        };
        if inside {
            return Ok(());
        }
        Err(PackError::PointsOutside {
            path: name.strip_prefix("app").unwrap_or(name).display().to_string(),
            target: target.display().to_string(),
        })
    }
}

/// Without `.` and `..`; `None` when it climbs above where it started.
fn resolve(path: &Path) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::Normal(part) => resolved.push(part),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside_the_app_or_name_the_system() {
        let check = |name: &str, target: &str| {
            Links::Inside.check(Path::new(name), Path::new(target)).is_ok()
        };
        assert!(check("app/a/b", "../c"));
        assert!(check("app/python", "/usr/bin/python3"));
        assert!(check("app/x", "/app/y"));
        for target in ["../../etc/shadow", "/etc/shadow", "/usr/../etc/shadow", "/home/x", ".."] {
            assert!(!check("app/a", target), "{target}");
        }
    }
}
