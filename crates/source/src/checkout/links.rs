//! Whether a tree's symbolic links stay inside of it.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::CheckoutError;
use crate::Error;

/// Links that lead to links: as many as Linux follows (path_resolution(7)).
const HOPS: usize = 40;

/// Follows every link, through other ones too.
pub(crate) fn check(root: &Path, links: &[PathBuf]) -> Result<(), CheckoutError> {
    let mut targets = HashMap::new();
    for link in links {
        match std::fs::read_link(root.join(link)) {
            Ok(target) => {
                targets.insert(link.clone(), target);
            }
            // Git writes the same file twice where names differ in case only; the second one may have won.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::NotFound
                ) => {}
            Err(error) => return Err(Error::io("reading a link", link)(error).into()),
        }
    }
    for link in links {
        if let Some(target) = targets.get(link)
            && leaves(link, &targets)
        {
            return Err(CheckoutError::LinkOutside {
                link: link.display().to_string(),
                target: target.display().to_string(),
            });
        }
    }
    Ok(())
}

/// Whether the way through a link leads out of the tree at any point. A loop leads nowhere.
fn leaves(link: &Path, targets: &HashMap<PathBuf, PathBuf>) -> bool {
    let mut place = PathBuf::new();
    let mut ahead: Vec<Component<'_>> = link.components().rev().collect();
    let mut hops = 0;
    while let Some(component) = ahead.pop() {
        match component {
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
            Component::ParentDir => {
                if !place.pop() {
                    return true;
                }
            }
            Component::Normal(name) => {
                place.push(name);
                if let Some(target) = targets.get(&place) {
                    hops += 1;
                    if hops > HOPS {
                        return false;
                    }
                    place.pop();
                    ahead.extend(target.components().rev());
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(links: &[(&str, &str)]) -> Vec<String> {
        let targets: HashMap<_, _> =
            links.iter().map(|(link, to)| (PathBuf::from(link), PathBuf::from(to))).collect();
        let left = links.iter().filter(|(link, _)| leaves(Path::new(link), &targets));
        left.map(|(link, _)| (*link).to_owned()).collect()
    }

    #[test]
    fn links_inside_are_fine_even_where_they_dangle_or_loop() {
        let links = [
            ("a", "b/c"),
            ("d/e", "../a"),
            ("d/here", "."),
            ("dangling", "not/there"),
            ("loop", "loop"),
            ("ping", "pong"),
            ("pong", "ping"),
        ];
        assert_eq!(outside(&links), [""; 0]);
    }

    #[test]
    fn a_link_out_is_found() {
        let links = [("a", "/etc/passwd"), ("b", ".."), ("c/d", "../../x"), ("e", "c/../../x")];
        assert_eq!(outside(&links), ["a", "b", "c/d", "e"]);
    }

    #[test]
    fn a_link_out_through_another_link_is_found() {
        // As words `deep/up/..` is `deep`; on the disk it is the directory above the root.
        let links = [("deep/up", ".."), ("evil", "deep/up/..")];
        assert_eq!(outside(&links), ["evil"]);
    }
}
