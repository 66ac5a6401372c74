//! Rust's standard library for another processor than this machine's: the compiler's own, or rustup's, or, where rustup
//! does not reach its server, one compiled here from Debian's copy of the compiler's sources.
//!
//! It must be of the very version of the compiler in use. The one compiled here lies in the cache, in a folder named
//! after that version, in the form of a sysroot that holds nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::failure::{At, Failure};
use crate::fetch::Temporary;
use crate::place::Place;
use crate::process::{cargo, run, say, works};

/// Seconds that rustup may take: a server that is not reached may also never answer.
const RUSTUP_WAIT: &str = "180";

/// Has the standard library for `target`; gives back the sysroot to name to the compiler if it is not the compiler's own.
pub(crate) fn provide(target: &str, linker: &str, place: &Place) -> Result<Option<PathBuf>, Failure> {
    if usable(target, None, place)? {
        return Ok(None);
    }
    let compiler = Compiler::in_use()?;
    let own = place.cache.join("standard-library").join(compiler.folder());
    if usable(target, Some(&own), place)? {
        return Ok(Some(own));
    }
    say(&format!("adding Rust's standard library for {target} (about 30 MB, once)"));
    let added = run(Command::new("timeout").args([RUSTUP_WAIT, "rustup", "target", "add", target]));
    if added.is_ok() && usable(target, None, place)? {
        return Ok(None);
    }
    say(
        "not to be had from rustup; compiling it from Debian's package of its sources (45 MB, a minute, once)",
    );
    compile(&compiler, target, linker, &own, place).map_err(|failure| {
        Failure::new(format!(
            "{failure}\nRust's standard library for {target} is missing: run `rustup target add {target}` where rustup \
             reaches its server; everything else of Genkan works without it"
        ))
    })?;
    Ok(Some(own))
}

/// Whether the compiler finds a standard library that it takes for its own, by compiling nothing against it.
fn usable(target: &str, sysroot: Option<&Path>, place: &Place) -> Result<bool, Failure> {
    let scratch = Temporary::new(&place.cache)?;
    let out = scratch.0.join("nothing.rmeta");
    let out = out.to_string_lossy();
    let sysroot = sysroot.map(Path::to_string_lossy);
    let mut arguments = vec!["--target", target, "--crate-type=lib", "--emit=metadata", "-o", &out];
    if let Some(sysroot) = &sysroot {
        arguments.extend(["--sysroot", sysroot]);
    }
    arguments.push("-");
    Ok(works("rustc", &arguments))
}

/// Which compiler.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    release: String,
    commit: String,
}

impl Compiler {
    fn in_use() -> Result<Self, Failure> {
        let output = Command::new("rustc").arg("-vV").output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        said.ok()
            .and_then(|said| Self::parse(&said))
            .ok_or_else(|| Failure::new("`rustc -vV` does not say its version"))
    }

    fn parse(said: &str) -> Option<Self> {
        let value = |key| said.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        Some(Self { release: value("release: ")?, commit: value("commit-hash: ")? })
    }

    fn folder(&self) -> String {
        format!("{}-{}", self.release, self.commit)
    }
}

/// Compiles the standard library into the sysroot `own`.
fn compile(
    compiler: &Compiler,
    target: &str,
    linker: &str,
    own: &Path,
    place: &Place,
) -> Result<(), Failure> {
    let work = Temporary::new(&place.cache)?;
    let package = debian::download("rust-src", &format!("{}+*", compiler.release), &work.0)?;
    let sources = work.0.join("sources");
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&sources))?;
    let library = sources.join(format!("usr/src/rustc-{}/library", compiler.release));
    let built = work.0.join("built");
    run(&mut build(&library, target, linker, &built))?;

    let sysroot = work.0.join("sysroot");
    let libraries = sysroot.join("lib/rustlib").join(target).join("lib");
    fs::create_dir_all(&libraries).at("make the folder", &libraries)?;
    let results = built.join(target).join("release/deps");
    for file in fs::read_dir(&results).at("list", &results)?.filter_map(Result::ok) {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "rlib") {
            fs::rename(&path, libraries.join(file.file_name())).at("move", &path)?;
        }
    }
    // One that another version of this program left, and that the compiler does not take.
    let _ = fs::remove_dir_all(own);
    let parent = own.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).at("make the folder", parent)?;
    fs::rename(&sysroot, own).at("make the folder", own)
}

/// As Rust's own build does it: unstable features allowed, for this one build, and all dependencies from the package.
fn build(library: &Path, target: &str, linker: &str, built: &Path) -> Command {
    let variable = target.to_uppercase().replace('-', "_");
    let vendor = library.join("vendor");
    let mut command = cargo();
    command
        .args(["build", "--release", "--offline", "-Zavoid-dev-deps", "--target", target])
        .args(["--features", "panic-unwind,backtrace", "--manifest-path", "sysroot/Cargo.toml"])
        .args(["--config", "source.crates-io.replace-with='vendored'"])
        .args(["--config", &format!("source.vendored.directory={:?}", vendor.to_string_lossy())])
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-Zforce-unstable-if-unmarked")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", built)
        .env(format!("CARGO_TARGET_{variable}_LINKER"), linker)
        .current_dir(library);
    command
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::process::line;

    fn place() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { root: folder.path().into(), cache: folder.path().join("a cache") };
        (folder, place)
    }

    #[test]
    fn the_compiler_is_known_by_its_release_and_its_commit() {
        let said =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\ncommit-hash: 59807616\nrelease: 1.95.0\n";
        assert_eq!(Compiler::parse(said).unwrap().folder(), "1.95.0-59807616");
        assert_eq!(Compiler::parse("gcc 12"), None);
    }

    #[test]
    fn this_machines_own_standard_library_is_found() {
        let (_folder, place) = place();
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        assert_eq!(provide(&host, "cc", &place).unwrap(), None);
    }

    #[test]
    fn an_empty_sysroot_is_no_standard_library() {
        let (folder, place) = place();
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        assert!(!usable(&host, Some(folder.path()), &place).unwrap());
    }

    #[test]
    fn all_that_the_standard_library_depends_on_comes_from_the_package() {
        let command =
            build(Path::new("/a b/library"), "aarch64-unknown-linux-gnu", "ld", Path::new("/built"));
        let line = line(&command);
        assert!(line.contains(r#"source.vendored.directory="/a b/library/vendor""#), "{line}");
        assert!(line.contains(" --offline "), "{line}");
    }
}
