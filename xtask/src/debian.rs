//! Packages that are downloaded and never installed: one of another Debian release than this machine's, or many for
//! another processor. apt does the work, with lists of its own: the mirror is the one that this machine uses, and the
//! archive's signature covers what it sends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{At, Failure};
use crate::process::run;

/// Where a package is looked for. These names move with Debian's releases; backports keep several versions of one.
const SUITES: [&str; 3] = ["stable-backports", "testing", "unstable"];

/// The archive's keys, as every Debian has them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Downloads `package` in the newest version that fits the pattern `version`, into `folder`.
pub(crate) fn download(package: &str, version: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let mirror = mirror()?;
    let mut tried = Vec::new();
    for suite in SUITES {
        let own = folder.join(suite);
        match from(suite, &mirror, &format!("{package}={version}"), &own) {
            Ok(()) => return downloaded(&own),
            Err(failure) => tried.push(format!("{suite}: {failure}")),
        }
    }
    Err(Failure::new(format!("Debian's {package} {version} was not found\n  {}", tried.join("\n  "))))
}

/// Downloads `packages` of this machine's release for the processor `architecture`, and all that they depend on; `folder`
/// then holds the downloaded files, which are given back.
pub(crate) fn download_all(
    packages: &[&str],
    architecture: &str,
    release: &str,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    lists(release, &mirror()?, folder)?;
    // A machine on which nothing is installed yet, so that everything is downloaded.
    let nothing = folder.join("status");
    fs::write(&nothing, "").at("write", &nothing)?;
    let foreign = |command: &mut Command| {
        let status = format!("Dir::State::Status={}", nothing.to_string_lossy());
        for setting in [
            format!("APT::Architecture={architecture}"),
            format!("APT::Architectures={architecture}"),
            status,
        ] {
            command.args(["-o", &setting]);
        }
    };
    let mut update = apt(folder);
    foreign(&mut update);
    run(update.arg("update"))?;
    let mut install = apt(folder);
    foreign(&mut install);
    install.args(["install", "--yes", "--download-only", "--no-install-recommends"]);
    run(install.args(packages))?;
    let archives = folder.join("cache/archives");
    let files =
        fs::read_dir(&archives).at("list", &archives)?.filter_map(Result::ok).map(|entry| entry.path());
    Ok(files.filter(|path| path.extension().is_some_and(|extension| extension == "deb")).collect())
}

/// The name of this machine's Debian release, `bookworm` for instance.
pub(crate) fn release() -> Result<String, Failure> {
    let facts = Path::new("/etc/os-release");
    let text = fs::read_to_string(facts).at("read", facts)?;
    release_in(&text).ok_or_else(|| {
        Failure::new(
            "this is no release of Debian, so there are no packages to take libraries for AArch64 from",
        )
    })
}

fn release_in(facts: &str) -> Option<String> {
    let value =
        |key| facts.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim_matches('"'));
    value("VERSION_CODENAME=").filter(|_| value("ID=") == Some("debian")).map(str::to_owned)
}

/// Debian's mirror that this machine uses.
fn mirror() -> Result<String, Failure> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"]);
    let listed = targets.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    listed.ok().and_then(|listed| debian_among(&listed)).ok_or_else(|| {
        Failure::new("apt knows no mirror of Debian: on Debian, run `apt-get update`, then try again")
    })
}

/// The first of apt's index targets that comes from Debian's main archive.
fn debian_among(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| line.strip_prefix("Debian Debian ")).map(str::to_owned)
}

/// Downloads into `folder`, which also holds the lists.
fn from(suite: &str, mirror: &str, package: &str, folder: &Path) -> Result<(), Failure> {
    lists(suite, mirror, folder)?;
    run(apt(folder).arg("update"))?;
    run(apt(folder).args(["download", package]).current_dir(folder.join("package")))
}

/// The folders that apt wants, and the one source.
fn lists(suite: &str, mirror: &str, folder: &Path) -> Result<(), Failure> {
    for part in ["lists/partial", "cache/archives/partial", "package"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).at("make the folder", &part)?;
    }
    let sources = folder.join("debian.sources");
    fs::write(&sources, source(suite, mirror)).at("write", &sources)
}

fn source(suite: &str, mirror: &str) -> String {
    format!("Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n")
}

/// apt with all that it reads and writes in `folder`, but for this machine's settings.
fn apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["--quiet", "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root"]);
    let folder = folder.to_string_lossy();
    for setting in [
        format!("Dir::Etc::SourceList={folder}/debian.sources"),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={folder}/lists"),
        format!("Dir::Cache={folder}/cache"),
    ] {
        command.args(["-o", &setting]);
    }
    command
}

fn downloaded(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = folder.join("package");
    let mut files = fs::read_dir(&folder).at("list", &folder)?.filter_map(Result::ok);
    let file = files.next().map(|entry| entry.path());
    file.ok_or_else(|| Failure::new(format!("apt left no package in {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_of_debians_main_archive() {
        let targets = "nodejs . https://other.example/node/\nDebian Debian-Security http://mirror.example/security/\n\
                       Debian Debian http://mirror.example/debian/\nDebian Debian http://second.example/debian/\n";
        assert_eq!(debian_among(targets).as_deref(), Some("http://mirror.example/debian/"));
        assert_eq!(debian_among("Ubuntu Ubuntu http://mirror.example/ubuntu/\n"), None);
    }

    #[test]
    fn a_release_is_only_taken_from_debian_itself() {
        let facts = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(release_in(facts).as_deref(), Some("bookworm"));
        let derived = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n";
        assert_eq!(release_in(derived), None);
    }

    #[test]
    fn every_source_is_held_to_the_archives_keys() {
        for suite in SUITES {
            let source = source(suite, "http://mirror.example/debian/");
            assert!(source.contains(&format!("Suites: {suite}\n")), "{source}");
            assert!(
                source.contains("\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"),
                "{source}"
            );
        }
    }
}
