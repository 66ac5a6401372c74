//! The parts of which a city is made keep what they promise, before anything of ours runs on them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tests::city::{
    Chance, Door, Postgres, Process, Programs, Road, Traffic,
    search::{Needle, in_files, in_memory},
};

const MOMENT: Duration = Duration::from_millis(300);

/// Somebody who answers every byte with the same byte.
fn echo() -> u16 {
    let gate = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gate.local_addr().unwrap().port();
    thread::spawn(move || {
        for caller in gate.incoming() {
            let mut caller = caller.unwrap();
            thread::spawn(move || {
                let mut byte = [0];
                while caller.read_exact(&mut byte).is_ok() && caller.write_all(&byte).is_ok() {}
            });
        }
    });
    port
}

/// Whether a byte comes back within a moment; an error is a connection that has ended.
fn answered(line: &mut TcpStream) -> std::io::Result<bool> {
    line.set_read_timeout(Some(MOMENT))?;
    line.write_all(&[7])?;
    match line.read(&mut [0]) {
        Ok(0) => Err(std::io::ErrorKind::ConnectionReset.into()),
        Ok(_) => Ok(true),
        Err(cause)
            if matches!(cause.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
        {
            Ok(false)
        }
        Err(cause) => Err(cause),
    }
}

#[test]
fn a_road_that_stands_still_loses_nothing_and_a_cut_one_ends_every_connection() {
    let road = Road::to(echo()).unwrap();
    let mut line = TcpStream::connect(("127.0.0.1", road.port())).unwrap();
    assert!(answered(&mut line).unwrap());
    road.set(Traffic::Still);
    assert!(!answered(&mut line).unwrap(), "a byte came through a road that stands still");
    road.set(Traffic::Open);
    line.set_read_timeout(Some(tests::PATIENCE)).unwrap();
    line.read_exact(&mut [0]).unwrap();

    road.set(Traffic::Cut);
    assert!(answered(&mut line).is_err(), "the connection lives on behind the cut");
    let mut next = TcpStream::connect(("127.0.0.1", road.port())).unwrap();
    assert!(answered(&mut next).is_err(), "somebody new was let on");
    road.set(Traffic::Open);
    let mut next = TcpStream::connect(("127.0.0.1", road.port())).unwrap();
    assert!(answered(&mut next).unwrap());
}

#[test]
fn a_slow_road_is_slow_each_way() {
    const LATE: Duration = Duration::from_millis(60);
    let road = Road::to(echo()).unwrap();
    road.set(Traffic::Slow(LATE));
    let mut line = TcpStream::connect(("127.0.0.1", road.port())).unwrap();
    let sent = Instant::now();
    line.write_all(&[7]).unwrap();
    line.read_exact(&mut [0]).unwrap();
    assert!(sent.elapsed() >= LATE * 2);
    assert_eq!(road.carried(), 2);
}

#[test]
fn what_a_killed_database_had_acknowledged_is_there_in_its_next_life() {
    let mut server = Postgres::start().unwrap();
    server.ask("CREATE TABLE kept (number int)").unwrap();
    for number in 0..20 {
        server.ask(&format!("INSERT INTO kept VALUES ({number})")).unwrap();
    }
    server.kill();
    assert!(server.ask("SELECT 1").is_err());
    server.restart().unwrap();
    assert_eq!(server.ask("SELECT count(*) FROM kept").unwrap(), "20");
}

#[test]
fn one_seed_is_one_story() {
    let story = |seed| {
        let mut chance = Chance::of(seed);
        (0..50).map(|_| chance.below(1000)).collect::<Vec<_>>()
    };
    assert_eq!(story(5), story(5));
    assert_ne!(story(5), story(6));
    assert!(story(5).iter().any(|number| *number > 500));
}

#[test]
fn what_a_process_holds_and_what_a_file_holds_is_found_and_nothing_else() {
    let folder = tempfile::TempDir::new().unwrap();
    let held = format!("held-by-a-process-{}", std::process::id());
    // Put together here, so that no constant of any program has it.
    let needles = [
        Needle::new("held", held.as_bytes()).unwrap(),
        Needle::new("other", held.replace("held", "lost")).unwrap(),
    ];
    let mut command = std::process::Command::new("sleep");
    let process =
        Process::start("sleeper", command.arg("60").env("HELD", &held), &folder.path().join("log")).unwrap();
    tests::wait_until("the sleeper has its environment", || {
        !in_memory(process.id(), &needles).unwrap().is_empty()
    });
    let found = in_memory(process.id(), &needles).unwrap();
    assert!(found.iter().all(|found| found.what == "held"), "{found:?}");

    // Across the border of two pieces that are read one after the other.
    let mut bytes = vec![0; (1 << 20) - 5];
    bytes.extend_from_slice(held.as_bytes());
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    std::fs::write(folder.path().join("deep/file"), bytes).unwrap();
    let found = in_files(folder.path(), &needles).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].what == "held" && found[0].place.ends_with("deep/file"), "{found:?}");
    assert!(Needle::new("short", *b"abc").is_err());
}

#[test]
fn whoever_is_shown_to_a_running_kiosk_is_decided_about_and_goes_away() {
    let folder = tempfile::TempDir::new().unwrap();
    let programs = Programs::here().unwrap();
    let mut door = Door::prepare("alone", folder.path(), &programs, Road::to(echo()).unwrap(), true).unwrap();
    let photo = |name| programs.photo(name).unwrap();
    let enrolled =
        door.ask(&["enrol", "--name", "見本", "--photo", &photo("person-a-1.jpg").to_string_lossy()]);
    let person = enrolled.unwrap()[0]["person"].as_str().unwrap().to_owned();
    door.start_kiosk().unwrap();
    for (visits, (picture, outcome)) in
        [("person-a-2.jpg", "granted"), ("stranger-1.jpg", "no-match")].into_iter().enumerate()
    {
        door.view.shows(&photo(picture)).unwrap();
        tests::wait_until("the visit is decided", || door.decisions().unwrap().len() > visits);
        door.view.nobody().unwrap();
        let decided = door.decisions().unwrap().pop().unwrap();
        assert_eq!(decided.outcome, outcome);
        assert_eq!(decided.person, (outcome == "granted").then(|| person.clone()));
        thread::sleep(tests::city::story::BETWEEN_VISITS);
    }
    assert_eq!(door.decisions().unwrap().len(), 2, "somebody was seen who had gone");
    door.stop().unwrap();
}
