//! A test that is several programs: it starts itself again as a guard or a pulser, and kills what it started.

#![allow(dead_code, reason = "each test uses its part")]

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command},
};

use rustix::process::Pid;

/// Another program; it goes with the fact that needs it, held or not.
pub(crate) struct Program(pub(crate) Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This very test, to be started as one of its parts.
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// The guards that `parent` started and that still run.
pub(crate) fn guards_of(parent: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_guard = |number: &i32| {
        let read = |file| fs::read_to_string(format!("/proc/{number}/{file}")).unwrap_or_default();
        read("status").contains(&format!("PPid:\t{parent}\n")) && read("cmdline").contains("strike-guard")
    };
    numbers.filter(is_guard).filter_map(Pid::from_raw).collect()
}

pub(crate) fn only_guard_of(parent: u32) -> Pid {
    let guards = guards_of(parent);
    assert_eq!(guards.len(), 1, "a strike has one guard");
    guards[0]
}

/// Holds `holds` for the facts whose name contains `wanted`, one after the other; the first that does not hold ends the
/// program.
pub(crate) fn run_facts<F>(facts: &[(&str, F)], wanted: &str, holds: impl Fn(&F)) {
    for (name, fact) in facts.iter().filter(|(name, _)| name.contains(wanted)) {
        print!("test {name} ... ");
        std::io::stdout().flush().unwrap();
        holds(fact);
        println!("ok");
    }
}
