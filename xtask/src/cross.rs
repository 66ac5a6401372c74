//! `cargo xtask cross`: the programs of a device, built here for its AArch64 processor; with `--run`, proof that they
//! decide there as they do here.
//!
//! Rust's compiler is its own cross compiler; C (SQLCipher) and C++ (the reader of QR codes) go through Debian's. Headers and libraries are the device's,
//! unpacked by [`sysroot`]; build scripts that run on this machine go on using this machine's. `--run` plays the demo's
//! visits under qemu's user emulation and once more as they are, and compares visit by visit. An emulator says nothing
//! about speed.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::arm::{LINKER, TARGET, flag};
use crate::elf::Demands;
use crate::failure::{At, Failure};
use crate::place::Place;
use crate::process::{cargo, line, not_started, run, say};
use crate::programs;
use crate::visits::{self, Visit};
use crate::{host, standard_library, sysroot};

/// What a device runs.
const PROGRAMS: [&str; 2] = ["kiosk", "sync-agent"];

/// Debian's cross compiler for C++.
const CXX: &str = "aarch64-linux-gnu-g++";

/// Debian's folder for what belongs to the processor.
const TRIPLET: &str = "aarch64-linux-gnu";

/// The emulated processor that has everything.
pub(crate) const EVERYTHING: &str = "max";

/// Builds the programs, says what a device must have to run them, and plays the demo's visits as on `processor` if asked.
pub(crate) fn cross(place: &Place, processor: Option<&str>) -> Result<(), Failure> {
    if env::consts::ARCH == "aarch64" {
        return Err(Failure::new(
            "this machine is AArch64 itself: `cargo build --release` builds for it, `cargo xtask demo` plays the visits",
        ));
    }
    programs::setup(place)?;
    host::prepare_for_arm()?;
    let library = standard_library::provide(TARGET, LINKER, place)?;
    let root = sysroot::provide(place)?;
    say("building for AArch64, optimised (on two cores: ten minutes the first time)");
    run(&mut build(&root, library.as_deref(), place))?;
    let folder = place.target().join("cross/bin");
    fs::create_dir_all(&folder).at("make the folder", &folder)?;
    for program in PROGRAMS {
        deliver(&place.target().join(TARGET).join("release").join(program), &folder.join(program))?;
    }
    match processor {
        Some(processor) => compare(place, &root, &folder.join("kiosk"), processor),
        None => Ok(()),
    }
}

/// `cargo build` with everything of the device's that a build script may ask for.
fn build(root: &Path, library: Option<&Path>, place: &Place) -> Command {
    let root = root.to_string_lossy();
    let mut command = cargo();
    let sysroot = format!("-Clink-arg=--sysroot={root}");
    match library.map(Path::to_string_lossy) {
        Some(library) => flag(&mut command, &[&sysroot, "--sysroot", &library]),
        None => flag(&mut command, &[&sysroot]),
    }
    command.args(["build", "--release", "--target", TARGET]);
    command.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    command.envs(variables(&root)).current_dir(&place.root);
    command
}

/// For the build scripts of what is compiled for AArch64, and for no other: their names carry the target.
fn variables(root: &str) -> Vec<(String, String)> {
    let lower = TARGET.replace('-', "_");
    let upper = lower.to_uppercase();
    let libraries = format!("{root}/usr/lib/{TRIPLET}");
    // Compilers' flags are divided at spaces, which a path may have.
    let sysroot = format!("'--sysroot={}'", root.replace('\'', r"'\''"));
    [
        (format!("CARGO_TARGET_{upper}_LINKER"), LINKER.to_owned()),
        (format!("CC_{lower}"), LINKER.to_owned()),
        ("CC_SHELL_ESCAPED_FLAGS".to_owned(), "1".to_owned()),
        (format!("CXX_{lower}"), CXX.to_owned()),
        (format!("CFLAGS_{lower}"), sysroot.clone()),
        (format!("CXXFLAGS_{lower}"), sysroot.clone()),
        (format!("BINDGEN_EXTRA_CLANG_ARGS_{lower}"), sysroot),
        (format!("PKG_CONFIG_SYSROOT_DIR_{lower}"), root.to_owned()),
        (format!("PKG_CONFIG_LIBDIR_{lower}"), format!("{libraries}/pkgconfig:{root}/usr/share/pkgconfig")),
        (format!("{upper}_OPENSSL_LIB_DIR"), libraries),
        (format!("{upper}_OPENSSL_INCLUDE_DIR"), format!("{root}/usr/include")),
    ]
    .into()
}

/// Puts `built` without its tables for debuggers at `to`, and says what it needs.
fn deliver(built: &Path, to: &Path) -> Result<(), Failure> {
    let demands = Demands::of(built)?;
    if demands.processor != "AArch64" {
        return Err(Failure::new(format!("{} is for {}, not AArch64", built.display(), demands.processor)));
    }
    run(Command::new(format!("{TRIPLET}-strip")).arg("-o").arg(to).arg(built))?;
    let size = fs::metadata(to).at("read", to)?.len();
    say(&format!("{}: {:.1} MB; {demands}", to.display(), size as f64 / 1e6));
    Ok(())
}

/// Plays the demo's visits here and as on `processor`.
fn compare(place: &Place, root: &Path, kiosk: &Path, processor: &str) -> Result<(), Failure> {
    let own = programs::built(place)?;
    say("playing the demo's visits here (forty seconds)");
    let here = play(Command::new(own), place, "demo")?;
    say(&format!("playing the demo's visits as on {processor}, emulated (ten minutes or more)"));
    let there = play(emulated(processor, root, kiosk), place, &format!("demo-{processor}"))?;
    eprint!("{}", visits::table(&here.visits, &there.visits));
    let mut wrong = visits::differences(&here.visits, &there.visits);
    for (played, whose) in [(&here, "here"), (&there, "on AArch64")] {
        if !played.ended.success() {
            wrong.push(format!("the demo failed {whose} ({}); what it said stands above", played.ended));
        }
    }
    let took = format!("{:.0} s here, {:.0} s emulated", here.took.as_secs_f64(), there.took.as_secs_f64());
    if wrong.is_empty() {
        say(&format!(
            "AArch64 ({processor}) decides as this machine does: {} visits ({took})",
            here.visits.len()
        ));
        return Ok(());
    }
    Err(Failure::new(format!(
        "AArch64 ({processor}) does not decide as this machine does:\n  {}",
        wrong.join("\n  ")
    )))
}

/// One demonstration.
struct Played {
    visits: Vec<Visit>,
    ended: ExitStatus,
    took: Duration,
}

/// Runs `kiosk`, up to its arguments, as the demo that writes to `target/cross/FOLDER`.
fn play(mut kiosk: Command, place: &Place, folder: &str) -> Result<Played, Failure> {
    let out = place.target().join("cross").join(folder);
    fs::create_dir_all(&out).at("make the folder", &out)?;
    kiosk.args(["demo", "--headless", "--json", "--out"]).arg(out);
    kiosk.arg("--models").arg(place.fetched("models")).arg("--photos").arg(place.fetched("photos"));
    kiosk.stderr(Stdio::inherit()).current_dir(&place.root);
    let started = Instant::now();
    let output = kiosk.output().map_err(|cause| not_started(&kiosk, &cause))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let visits = visits::read(&printed).map_err(|why| Failure::new(format!("`{}`: {why}", line(&kiosk))))?;
    Ok(Played { visits, ended: output.status, took: started.elapsed() })
}

/// `kiosk` on an emulated processor, up to its arguments.
fn emulated(processor: &str, root: &Path, kiosk: &Path) -> Command {
    let mut command = Command::new("qemu-aarch64-static");
    command.args(["-cpu", processor, "-L"]).arg(root).arg(kiosk);
    command
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn place() -> Place {
        Place { root: PathBuf::from("/genkan"), cache: PathBuf::from("/cache") }
    }

    #[test]
    fn the_linker_sees_only_the_devices_libraries_and_this_machines_programs_are_built_as_ever() {
        let command = build(Path::new("/a b/root"), None, &place());
        let line = line(&command);
        let flags =
            r#"--config target.aarch64-unknown-linux-gnu.rustflags=["-Clink-arg=--sysroot=/a b/root"]"#;
        assert!(line.contains(flags), "{line}");
        assert!(line.ends_with(
            "build --release --target aarch64-unknown-linux-gnu --package kiosk --package sync-agent"
        ));
    }

    #[test]
    fn a_standard_library_of_our_own_is_named_beside_the_devices_libraries() {
        let command = build(Path::new("/root"), Some(Path::new("/own")), &place());
        assert!(line(&command).contains(r#"["-Clink-arg=--sysroot=/root", "--sysroot", "/own"]"#));
    }

    #[test]
    fn build_scripts_of_this_machine_hear_nothing_of_the_device() {
        for (name, _) in variables("/root") {
            let told = name.to_lowercase().contains("aarch64_unknown_linux_gnu");
            assert!(told || name == "CC_SHELL_ESCAPED_FLAGS", "{name}");
        }
    }

    #[test]
    fn compilers_take_a_path_with_spaces_and_quotes_for_one() {
        let variables = variables("/it's a root");
        let flags: Vec<_> = variables.iter().filter(|(name, _)| name.starts_with("CFLAGS")).collect();
        assert_eq!(flags[0].1, r"'--sysroot=/it'\''s a root'");
    }

    #[test]
    fn the_emulator_takes_the_devices_libraries() {
        let command = emulated("cortex-a72", Path::new("/root"), Path::new("/kiosk"));
        assert_eq!(line(&command), "qemu-aarch64-static -cpu cortex-a72 -L /root /kiosk");
    }
}
