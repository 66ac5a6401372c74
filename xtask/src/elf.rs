//! What a machine must have to run a program: its processor, the shared libraries, the oldest C library. `readelf` reads
//! programs for every processor.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::process::not_started;

/// What a program asks of the machine that runs it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Demands {
    /// As `readelf` names it: `AArch64`.
    pub(crate) processor: String,
    /// The names of the shared libraries, as the loader looks for them.
    pub(crate) libraries: Vec<String>,
    /// The oldest glibc that has all that is used, as numbers; none if none is used.
    pub(crate) glibc: Option<Vec<u32>>,
}

impl Demands {
    /// Reads them from `program`.
    pub(crate) fn of(program: &Path) -> Result<Self, Failure> {
        let mut command = Command::new("readelf");
        command
            .args(["--wide", "--file-header", "--dynamic", "--version-info"])
            .arg(program)
            .env("LC_ALL", "C");
        let output = command.output().map_err(|cause| not_started(&command, &cause))?;
        Self::parse(&String::from_utf8_lossy(&output.stdout))
            .ok_or_else(|| Failure::new(format!("{} is no program that readelf can read", program.display())))
    }

    fn parse(said: &str) -> Option<Self> {
        let lines = || said.lines().map(str::trim);
        let processor = lines().find_map(|line| line.strip_prefix("Machine:"))?.trim().to_owned();
        let library = |line: &str| {
            let name = line.split_once("(NEEDED)")?.1.split_once('[')?.1.split_once(']')?.0;
            Some(name.to_owned())
        };
        let mut libraries: Vec<String> = lines().filter_map(library).collect();
        libraries.sort();
        Some(Self { processor, libraries, glibc: lines().filter_map(glibc).max() })
    }
}

/// `0x0010:   Name: GLIBC_2.34  Flags: none  Version: 5`
fn glibc(line: &str) -> Option<Vec<u32>> {
    let version = line.split_once("Name: GLIBC_")?.1.split_whitespace().next()?;
    version.split('.').map(|number| number.parse().ok()).collect()
}

impl fmt::Display for Demands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let glibc = self.glibc.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let glibc = if glibc.is_empty() { "any".to_owned() } else { format!("{glibc} or newer") };
        write!(f, "{}; glibc {glibc}; needs {}", self.processor, self.libraries.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAID: &str = "ELF Header:
  Class:                             ELF64
  Machine:                           AArch64
Dynamic section at offset 0x5f0 contains 31 entries:
 0x0000000000000001 (NEEDED)             Shared library: [libcrypto.so.3]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000e (SONAME)             Library soname: [none.so]
Version needs section '.gnu.version_r' contains 2 entries:
  000000: Version: 1  File: libcrypto.so.3  Cnt: 1
  0x0010:   Name: OPENSSL_3.0.0  Flags: none  Version: 8
  0x0030:   Name: GLIBC_2.9  Flags: none  Version: 18
  0x0040:   Name: GLIBC_2.34  Flags: none  Version: 12
  0x0050:   Name: GLIBC_2.4.1  Flags: none  Version: 12
";

    #[test]
    fn the_oldest_c_library_is_the_newest_that_a_symbol_asks_for() {
        let demands = Demands::parse(SAID).unwrap();
        assert_eq!(demands.to_string(), "AArch64; glibc 2.34 or newer; needs libc.so.6, libcrypto.so.3");
    }

    #[test]
    fn what_is_no_program_has_no_demands() {
        assert_eq!(Demands::parse("readelf: Error: Not an ELF file\n"), None);
    }

    #[test]
    fn this_test_itself_can_be_read() {
        let demands = Demands::of(&std::env::current_exe().unwrap()).unwrap();
        assert!(demands.libraries.iter().any(|library| library.starts_with("libc.so")), "{demands}");
        assert!(demands.glibc >= Some(vec![2, 17]), "{demands}");
    }
}
