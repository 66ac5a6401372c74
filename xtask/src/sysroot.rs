//! The libraries of an AArch64 device, as the compiler, the linker and the emulator see them: Debian's packages, unpacked
//! into one folder. Nothing is installed, no foreign architecture is added to this machine, no package's script runs.
//!
//! The release is this machine's own, so that headers and libraries fit Debian's cross compiler, which comes from it too.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::failure::{At, Failure};
use crate::fetch::{Temporary, put};
use crate::place::Place;
use crate::process::{run, say};

/// Debian's name for the processor.
const ARCHITECTURE: &str = "arm64";

/// What is linked, with what for; what they depend on comes along.
const PACKAGES: [(&str, &str); 5] = [
    ("libc6-dev", "C, camera"),
    ("libstdc++6", "QR reader"),
    ("libssl-dev", "SQLCipher"),
    ("libfontconfig-dev", "screens"),
    ("libpcsclite-dev", "card readers"),
];

/// No package has deeper folders; bounds the walk through them.
const DEEPEST: usize = 32;

/// Has the folder in place and gives back where it is.
pub(crate) fn provide(place: &Place) -> Result<PathBuf, Failure> {
    let cross = place.target().join("cross");
    let (root, stamp) = (cross.join("sysroot"), cross.join("sysroot.made-of"));
    let made_of = ingredients(&debian::release()?);
    if root.is_dir() && fs::read_to_string(&stamp).is_ok_and(|found| found == made_of) {
        return Ok(root);
    }
    let packages = PACKAGES.map(|(package, why)| format!("{package} ({why})")).join(", ");
    say(&format!(
        "unpacking Debian's libraries for AArch64 into {} (about 20 MB, once): {packages} and what they depend on; \
         nothing is installed",
        root.display()
    ));
    fs::create_dir_all(&cross).at("make the folder", &cross)?;
    let work = Temporary::new(&cross)?;
    let made = work.0.join("root");
    unpack(&work.0.join("apt"), &made)?;
    let _ = fs::remove_file(&stamp);
    if root.exists() {
        fs::remove_dir_all(&root).at("remove", &root)?;
    }
    fs::rename(&made, &root).at("make the folder", &root)?;
    put(made_of.as_bytes(), &stamp)?;
    Ok(root)
}

fn ingredients(release: &str) -> String {
    format!("{release} {ARCHITECTURE} {}\n", PACKAGES.map(|(package, _)| package).join(" "))
}

fn unpack(work: &Path, root: &Path) -> Result<(), Failure> {
    let packages = PACKAGES.map(|(package, _)| package);
    for package in debian::download_all(&packages, ARCHITECTURE, &debian::release()?, work)? {
        run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(root))?;
    }
    // Later releases of Debian keep everything under usr; a package's files do not say so.
    if !root.join("lib").exists() {
        symlink("usr/lib", root.join("lib")).at("make the link", &root.join("lib"))?;
    }
    keep_inside(root, Path::new(""), 0)
}

/// Makes links that begin at the root of a device begin at `root`: followed here, they would lead to this machine's files.
fn keep_inside(root: &Path, folder: &Path, depth: usize) -> Result<(), Failure> {
    let here = root.join(folder);
    if depth > DEEPEST {
        return Err(Failure::new(format!("{} lies too deep", here.display())));
    }
    for entry in fs::read_dir(&here).at("list", &here)? {
        let entry = entry.at("list", &here)?;
        let (path, kind) = (entry.path(), entry.file_type().at("read", &here)?);
        if kind.is_dir() {
            keep_inside(root, &folder.join(entry.file_name()), depth + 1)?;
        } else if kind.is_symlink() {
            let leads = fs::read_link(&path).at("read the link", &path)?;
            if let Ok(inside) = leads.strip_prefix("/") {
                fs::remove_file(&path).at("remove", &path)?;
                symlink(up(folder).join(inside), &path).at("make the link", &path)?;
            }
        }
    }
    Ok(())
}

/// The way from `folder` up to the root.
fn up(folder: &Path) -> PathBuf {
    folder.components().map(|_| Component::ParentDir).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_devices_own_links_do_not_lead_to_this_machines_files() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("usr/lib/aarch64-linux-gnu");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(root.path().join("lib")).unwrap();
        fs::write(root.path().join("lib/libm.so.6"), "a device's").unwrap();
        symlink("/lib/libm.so.6", deep.join("libm.so")).unwrap();
        symlink("libm.so", deep.join("libm.so.old")).unwrap();
        keep_inside(root.path(), Path::new(""), 0).unwrap();
        assert_eq!(fs::read_to_string(deep.join("libm.so")).unwrap(), "a device's");
        assert_eq!(fs::read_link(deep.join("libm.so.old")).unwrap(), Path::new("libm.so"));
    }

    #[test]
    fn another_release_makes_another_folder() {
        assert_ne!(ingredients("bookworm"), ingredients("trixie"));
    }
}
