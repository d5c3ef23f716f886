//! Puts an instance's tree together from the layers of its bundle.
//!
//! As root the layers are stacked by overlayfs in a mount namespace of the shim's own: nothing is copied, what the app writes
//! goes to the instance's directory, and the mount vanishes with the shim. Elsewhere the layers are copied.

use std::fs;
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::UnshareFlags;
use types::Bundle;

use super::directory::{InstanceDirectory, make_private, open_to_walk, remove_tree};
use super::spec::ShimSpec;
use crate::boxes::{Bind, Isolation};

/// Where an app's kept data lies in a box.
pub(super) const DATA: &str = "/data";

/// Assembles the tree, anew, and says what of it the box is to see.
pub(super) fn assemble(directory: &InstanceDirectory, spec: &ShimSpec) -> io::Result<Vec<Bind>> {
    let root = directory.root();
    for name in ["root", "upper", "work", "lower"] {
        remove_tree(&directory.path().join(name))?;
    }
    make_private(&root)?;
    let stacked = spec.boxes.isolation() == Isolation::Root
        && !spec.layers.is_empty()
        && stack(directory, &spec.layers).is_ok();
    if !stacked {
        for layer in &spec.layers {
            copy(layer, &root)?;
        }
    }
    // A bare process walks through it as its own user.
    open_to_walk(&root)?;
    let app = root.join(Bundle::APP_DIR.trim_start_matches('/'));
    if !app.is_dir() {
        fs::create_dir(&app)?;
        own(&app, spec)?;
    }
    binds(&root, spec)
}

fn stack(directory: &InstanceDirectory, layers: &[PathBuf]) -> io::Result<()> {
    let at = directory.path();
    for name in ["upper", "work", "lower"] {
        make_private(&at.join(name))?;
    }
    // The kernel takes one page of options: short names, and none that would have to be escaped.
    for (number, layer) in layers.iter().enumerate() {
        symlink(layer, at.join("lower").join(number.to_string()))?;
    }
    let lower: Vec<String> =
        (0..layers.len()).rev().map(|number| format!("lower/{number}")).collect();
    let options = format!("lowerdir={},upperdir=upper,workdir=work", lower.join(":"));
    let options = std::ffi::CString::new(options)?;

    #[expect(
        deprecated,
        reason = "unsafe only with the flag for file descriptors, which is not used"
    )]
    rustix::thread::unshare(UnshareFlags::NEWNS)?;
    // Ours are not for others; theirs, unmounts above all, are for us.
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    std::env::set_current_dir(at)?;
    mount(
        "overlay",
        "root",
        "overlay",
        MountFlags::NODEV | MountFlags::NOSUID,
        options.as_c_str(),
    )?;
    Ok(())
}

fn copy(layer: &Path, root: &Path) -> io::Result<()> {
    let output = Command::new("cp")
        .args(["--archive", "--reflink=auto", "--no-target-directory", "--"])
        .args([layer, root])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("cp: {}", said.trim().chars().take(400).collect::<String>())))
}

fn own(path: &Path, spec: &ShimSpec) -> io::Result<()> {
    match spec.boxes.isolation() {
        Isolation::Root | Isolation::Bare { root: true } => {
            chown(path, Some(spec.uid), Some(spec.uid))
        }
        Isolation::User { .. } | Isolation::Bare { root: false } => Ok(()),
    }
}

fn binds(root: &Path, spec: &ShimSpec) -> io::Result<Vec<Bind>> {
    let mut binds = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let target = Path::new("/").join(entry.file_name());
        let kind = entry.file_type()?;
        // A link would be followed here, outside of the box. Layers with one are refused; this is the second lock.
        if kind.is_dir() || kind.is_file() {
            let writable = target == Path::new(Bundle::APP_DIR);
            binds.push(Bind { source: entry.path(), target, writable });
        }
    }
    binds.sort_by(|one, other| one.target.cmp(&other.target));
    binds.extend(spec.data.iter().map(|data| Bind {
        source: data.clone(),
        target: DATA.into(),
        writable: true,
    }));
    Ok(binds)
}
