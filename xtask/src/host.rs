//! What this machine must have before anything is compiled or fetched, and the one line that installs it. The compiler's
//! own version is not asked here: cargo compares it with `rust-version` before it builds even this program.

use std::process::Command;

use crate::failure::Failure;
use crate::process::{line, run, say, works};

/// One thing that the build, the tests or the demo use.
struct Need {
    /// Debian's package.
    package: &'static str,
    /// What for.
    why: &'static str,
    present: Present,
}

/// How to see that a need is met.
enum Present {
    /// Debian's package itself is installed.
    Package,
    /// Whatever its origin, this command succeeds.
    Runs(&'static str, &'static [&'static str]),
    /// This line of shell succeeds. Debian starts the package's daemon when it is installed; ours are private ones that
    /// end with a test, so whatever we have just installed is stopped again and stays so.
    Service(&'static str),
}

const fn package(package: &'static str, why: &'static str) -> Need {
    Need { package, why, present: Present::Package }
}

const fn runs(
    package: &'static str,
    why: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Need {
    Need { package, why, present: Present::Runs(program, arguments) }
}

const fn service(package: &'static str, why: &'static str, line: &'static str) -> Need {
    Need { package, why, present: Present::Service(line) }
}

/// Every need; the reasons are one word or two.
const NEEDS: &[Need] = &[
    package("build-essential", "linker, C"),
    package("pkg-config", "finding libraries"),
    package("libssl-dev", "SQLCipher"),
    package("libclang-dev", "camera bindings"),
    runs("cmake", "QR reader", "cmake", &["--version"]),
    package("libfontconfig-dev", "screens"),
    package("fonts-noto-cjk", "font"),
    package("libx11-6", "window"),
    package("libx11-xcb1", "window"),
    package("libxcursor1", "window"),
    package("libxi6", "window"),
    package("libxkbcommon-x11-0", "window"),
    package("libpcsclite-dev", "card readers"),
    package("pcscd", "card readers, tests"),
    package("vsmartcard-vpcd", "a virtual card reader, tests"),
    package("opensc", "another reader of the same cards, tests"),
    runs("openssl", "cross-checks of cards", "openssl", &["version"]),
    runs("iproute2", "networks of tests", "ip", &["-V"]),
    service(
        "mosquitto",
        "the broker between agents and registry, tests and demo",
        "command -v mosquitto || test -x /usr/sbin/mosquitto",
    ),
    runs(
        "mosquitto-clients",
        "another reader of the broker, tests",
        "sh",
        &["-c", "command -v mosquitto_sub"],
    ),
    service(
        "postgresql",
        "the registry's database, tests",
        "ls /usr/lib/postgresql/*/bin/initdb || command -v initdb",
    ),
    runs("unzip", "wheels", "unzip", &["-v"]),
    runs("python3", "fetching, cross-checks", "python3", &["--version"]),
    runs("python3-venv", "fetching, cross-checks", "python3", &["-c", "import venv, ensurepip"]),
    runs("npm", "fetching", "npm", &["--version"]),
];

/// What the tests on AArch64 need besides.
const ARM_NEEDS: &[Need] = &[
    package("gcc-aarch64-linux-gnu", "linking for AArch64"),
    package("g++-aarch64-linux-gnu", "QR reader"),
    package("libc6-dev-arm64-cross", "linking for AArch64"),
    package("qemu-user-static", "running it here"),
];

/// What the benchmarks need besides.
const BENCHMARK_NEEDS: &[Need] = &[package("libzbar0", "peer of the QR reader")];

/// A new machine often upgrades itself at first; wait this many seconds for it to let go of the package lists.
const LOCK_WAIT: &[&str] = &["-o", "DPkg::Lock::Timeout=300"];

/// Has everything that Debian provides; installs what is missing, as root or through a sudo that asks nothing.
pub(crate) fn prepare() -> Result<(), Failure> {
    prepare_all(NEEDS)
}

/// Has what the tests on AArch64 need besides.
pub(crate) fn prepare_for_arm() -> Result<(), Failure> {
    prepare_all(ARM_NEEDS)
}

/// Has what the benchmarks need besides.
pub(crate) fn prepare_for_benchmarks() -> Result<(), Failure> {
    prepare_all(BENCHMARK_NEEDS)
}

fn prepare_all(needs: &[Need]) -> Result<(), Failure> {
    if !works("dpkg-query", &["--version"]) {
        return not_debian(needs);
    }
    let missing: Vec<&Need> = needs.iter().filter(|need| !met(need)).collect();
    if missing.is_empty() {
        say("Debian packages: all there");
        return Ok(());
    }
    let reasons: Vec<String> =
        missing.iter().map(|need| format!("{} ({})", need.package, need.why)).collect();
    say(&format!("installing Debian packages: {}", reasons.join(", ")));
    let right = if works("sh", &["-c", "test $(id -u) = 0"]) {
        Right::Root
    } else if works("sudo", &["-n", "true"]) {
        Right::Sudo
    } else {
        Right::None
    };
    let [mut update, mut install] = installation(&missing, right)?;
    if let Err(failure) = run(&mut update) {
        // One broken source among many must not stop us: what is missing may come from another.
        say(&format!("{failure}; trying with the package lists as they are"));
    }
    run(&mut install)?;
    for daemon in missing.iter().filter(|need| matches!(need.present, Present::Service(_))) {
        run(&mut silence(daemon, right))?;
    }
    Ok(())
}

fn met(need: &Need) -> bool {
    match need.present {
        Present::Package => installed(need.package),
        Present::Runs(program, arguments) => works(program, arguments),
        Present::Service(line) => works("sh", &["-c", line]),
    }
}

fn installed(package: &str) -> bool {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    output.is_ok_and(|output| output.stdout == b"install ok installed")
}

/// Elsewhere we cannot install, only tell.
fn not_debian(needs: &[Need]) -> Result<(), Failure> {
    let list: Vec<String> = needs.iter().map(|need| format!("{} ({})", need.package, need.why)).collect();
    say(&format!("this is not Debian; see to it yourself that there is: {}", list.join(", ")));
    Ok(())
}

/// What this user may do.
#[derive(Clone, Copy)]
enum Right {
    Root,
    Sudo,
    None,
}

impl Right {
    /// What stands before a command that needs root.
    fn before(self) -> &'static [&'static str] {
        match self {
            Right::Root => &[],
            Right::Sudo => &["sudo", "-n"],
            Right::None => &["sudo"],
        }
    }
}

/// Ends the daemon that Debian started with a package that we have just installed, now and at later starts of the machine.
fn silence(need: &Need, right: Right) -> Command {
    let name = need.package;
    let script = format!(
        "if test -d /run/systemd/system; then systemctl disable --now {name}; \
         else invoke-rc.d {name} stop; update-rc.d {name} disable; fi"
    );
    let words = [right.before(), &["sh", "-c"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(script);
    command
}

/// The commands that install `missing`, or the line for somebody who may.
fn installation(missing: &[&Need], right: Right) -> Result<[Command; 2], Failure> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let before = right.before();
    let apt = |arguments: &[&str]| {
        let words =
            [before, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], LOCK_WAIT, arguments].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    let update = apt(&["update", "--quiet"]);
    let mut install = apt(&["install", "--yes", "--quiet", "--no-install-recommends"]);
    install.args(packages);
    match right {
        Right::Root | Right::Sudo => Ok([update, install]),
        Right::None => Err(Failure::new(format!(
            "packages are missing and this user may not install them; run this once, then try again:\n  {} && {}",
            line(&update),
            line(&install)
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn needs() -> Vec<&'static Need> {
        NEEDS.iter().filter(|need| ["libssl-dev", "npm"].contains(&need.package)).collect()
    }

    #[test]
    fn root_installs_without_questions_or_recommendations() {
        let [update, install] = installation(&needs(), Right::Root).unwrap();
        assert_eq!(
            line(&update),
            "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update --quiet"
        );
        assert!(
            line(&install).ends_with("--yes --quiet --no-install-recommends libssl-dev npm"),
            "{}",
            line(&install)
        );
    }

    #[test]
    fn others_install_through_a_sudo_that_cannot_wait_for_a_password() {
        let [update, _] = installation(&needs(), Right::Sudo).unwrap();
        assert!(line(&update).starts_with("sudo -n env "), "{}", line(&update));
    }

    #[test]
    fn who_may_not_install_is_told_the_exact_line() {
        let message = installation(&needs(), Right::None).unwrap_err().to_string();
        assert!(
            message.contains("sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update --quiet && sudo env")
        );
        assert!(message.ends_with("libssl-dev npm"), "{message}");
    }

    #[test]
    fn what_brings_a_daemon_is_stopped_again_and_nothing_else_is() {
        let daemons: Vec<_> =
            NEEDS.iter().filter(|need| matches!(need.present, Present::Service(_))).collect();
        let names: Vec<_> = daemons.iter().map(|need| need.package).collect();
        assert_eq!(names, ["mosquitto", "postgresql"]);
        let said = line(&silence(daemons[0], Right::Sudo));
        assert!(
            said.starts_with("sudo -n sh -c ") && said.contains("systemctl disable --now mosquitto;"),
            "{said}"
        );
    }

    #[test]
    fn a_package_that_does_not_exist_is_not_installed() {
        assert!(!installed("no-such-package-of-genkan"));
    }
}
