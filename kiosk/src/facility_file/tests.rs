#![allow(clippy::unwrap_used)]
use std::time::Duration;

use gate::{Date, Local, SchoolStage};

use super::*;

const PARK: &str = include_str!("../../../assets/facilities/park.toml");
const SHIPPED: [(&str, &str); 4] = [
    ("park.toml", PARK),
    ("clinic.toml", include_str!("../../../assets/facilities/clinic.toml")),
    ("bus.toml", include_str!("../../../assets/facilities/bus.toml")),
    ("gym-counter.toml", include_str!("../../../assets/facilities/gym-counter.toml")),
];

fn policy(text: &str) -> Policy {
    parse("test.toml", text).unwrap().policy
}

fn refused(text: &str) -> String {
    parse("test.toml", text).unwrap_err().to_string()
}

/// The error names the file, the key and what is allowed.
fn check(text: &str, key: &str, allowed: &str) {
    let error = refused(text);
    for part in ["test.toml", key, allowed] {
        assert!(error.contains(part), "{text:?} gave {error:?} without {part:?}");
    }
}

#[test]
fn a_file_that_says_nothing_changes_nothing() {
    assert_eq!(policy(""), Policy::default());
    assert_eq!(FacilityFile::default().policy, Policy::default());
}

#[test]
fn every_section_left_empty_changes_nothing() {
    let empty =
        "[admission]\n[face]\n[face_alone]\n[claim]\n[codes]\n[card_photo]\n[visit]\n[door]\n[retention]\n";
    assert_eq!(parse("test.toml", empty).unwrap(), FacilityFile::default());
}

#[test]
fn the_manual_explains_every_key_and_states_its_usual_value() {
    for section in [
        "admission",
        "hours",
        "face",
        "face_alone",
        "claim",
        "codes",
        "card_photo",
        "visit",
        "door",
        "retention",
    ] {
        let header = format!("\n[{section}]\n");
        let written = PARK.split_once(&header).unwrap_or_else(|| panic!("{section} is not explained")).1;
        let written = format!("\n{}", written.split("\n[").next().unwrap());
        for key in keys(&format!("[{section}]\nnonsense = 1\n")) {
            assert!(written.contains(&format!("\n{key} = ")), "{section}.{key} is not in the manual");
        }
    }
    for key in keys("[[factors.rule]]\nneeds=['face']\nnonsense = 1\n") {
        assert!(
            PARK.contains(&format!("\n# {key} = ")),
            "the key {key} of factors.rule is not in the manual"
        );
    }
    for word in ["face", "claim", "card-shown", "fresh-code", "card-pin"] {
        assert!(PARK.contains(&format!("\n#   {word:?}")), "the factor {word} is not in the manual");
    }
    let conditions = PARK.split_once("[[fee]]").unwrap().0.to_owned() + "id yen ja easy en";
    let fee = "[[fee]]\nid='a'\nyen=0\nja='a'\neasy='a'\nen='a'\nnonsense = 1\n";
    for key in keys(fee) {
        assert!(conditions.contains(&key), "the condition {key} is not in the manual");
    }
}

/// The keys that a section may have, as the parser itself tells them when it meets another.
fn keys(text: &str) -> Vec<String> {
    let error = refused(text);
    let listed = error.split_once("expected one of").or_else(|| error.split_once("expected")).unwrap().1;
    let keys: Vec<_> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(keys.len() > 1, "{error}");
    keys
}

#[test]
fn the_usual_values_that_the_manual_states_are_those_of_the_policy() {
    let stated = |key: &str| {
        let at = PARK.find(&format!("\n{key} = ")).unwrap();
        let comment = &PARK[..at];
        let english = comment.rsplit_once('[').unwrap().1;
        english.split_once(']').unwrap().0.trim_matches('"').to_owned()
    };
    let (usual, kept) = (Policy::default(), Retention::default());
    let seconds = |span: Duration| span.as_secs().to_string();
    for (key, value) in [
        ("longest_stay_h", (usual.facility.longest_stay.as_secs() / 3_600).to_string()),
        ("attributes_fresh_days", usual.facility.attributes_fresh_days.to_string()),
        ("names", usual.facility.names.to_string()),
        ("kiosks", usual.facility.kiosks.to_string()),
        ("frames", usual.frames.to_string()),
        ("attempts", usual.attempts.to_string()),
        ("pad_floor", usual.pad_floor.to_string()),
        ("target_fpir", usual.target_fpir.to_string()),
        ("margin", usual.margin.to_string()),
        ("absence_ms", usual.absence.as_millis().to_string()),
        ("freshness_ms", usual.freshness.as_millis().to_string()),
        ("target_fmr", usual.claim.target_fmr.to_string()),
        ("reader_patience_s", seconds(usual.claim.reader_patience)),
        ("outcome_shown_s", seconds(usual.outcome_shown)),
        ("refusals_before_pause", usual.refusals_before_pause.to_string()),
        ("pause_s", seconds(usual.pause)),
        ("longest_pause_s", seconds(usual.longest_pause)),
        ("open_within_s", seconds(usual.door_times.open_within)),
        ("held_open_s", seconds(usual.door_times.held_open)),
        ("exit_within_s", seconds(usual.door_times.exit_within)),
        ("decisions_days", kept.decisions_days.to_string()),
        ("refusals_days", kept.refusals_days.to_string()),
        ("visits_person_days", kept.visits_person_days.to_string()),
        ("accesses_days", kept.accesses_days.to_string()),
        ("removed_staff_days", kept.removed_staff_days.to_string()),
    ] {
        assert_eq!(stated(key), value, "{key}");
    }
}

#[test]
fn the_shipped_facilities_are_read_and_nothing_is_wrong_with_them() {
    for (name, text) in SHIPPED {
        let rules = parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        for door in [None, Policy::default().door] {
            for sensor in [SensorTier::Rgb, SensorTier::Nir, SensorTier::Depth] {
                let found = findings(&rules.policy_at(door, sensor));
                assert_eq!(found, [], "{name}");
            }
        }
    }
}

#[test]
fn the_park_tells_residents_from_visitors_at_every_age() {
    let facility = policy(PARK).facility;
    let ids: Vec<&str> = facility.fees.iter().map(|fee| &*fee.id.0).collect();
    for stage in ["preschool", "elementary", "junior-high", "high-school", "adult", "65-and-over"] {
        for group in ["resident", "visitor"] {
            assert!(ids.contains(&&*format!("{group}-{stage}")), "{group} {stage}");
        }
    }
    let pupil = &facility.fees[1];
    assert_eq!((pupil.who.resident, pupil.who.school), (Some(true), Some(SchoolStage::Elementary)));
    assert_eq!(&*facility.fees.last().unwrap().words.japanese, "市外在住　500円");
}

#[test]
fn a_bus_boards_whoever_has_a_pass_and_refuses_whoever_is_inside() {
    let facility = policy(SHIPPED[2].1).facility;
    let rules = (facility.greeting, facility.admits, facility.inside, facility.party);
    use gate::{Admits, Greeting, InsideRule, PartyRule};
    assert_eq!(rules, (Greeting::Board, Admits::Entitled, InsideRule::Refuse, PartyRule::OnePerson));
}

#[test]
fn every_decision_of_a_facility_reaches_the_policy() {
    let changed = policy(
        "[admission]\nadmits='entitled'\nparty='one-person'\ninside='refuse'\nlongest_stay_h=2\n\
         attributes_fresh_days=3\nage='on-the-eve'\nnames=true\ngreeting='board'\nkiosks=4\nutc_offset_min=-60\n\
         [hours]\nmonday='09:00-17:30'\ntuesday='closed'\nwednesday='00:00-24:00'\nthursday='closed'\n\
         friday='closed'\nsaturday='closed'\nsunday='closed'\nclosed=[2026-11-23]\n\
         [[fee]]\nid='a-1'\nyen=500\nja='い'\neasy='ろ'\nen='c'\nresident=false\nfrom_age=6\nbelow_age=65\n\
         school='high-school'\n\
         [face]\nframes=1\nattempts=2\npad_floor=0.6\ntarget_fpir=0.02\nmargin=0.1\npatience_s=4\n\
         absence_ms=501\nfreshness_ms=1001\n\
         [face_alone]\nsimulated='needs-claim'\nrgb='opens'\nnir='opens-after-turn'\ndepth='needs-claim'\n\
         counter='opens-after-turn'\nregistry_old='needs-claim'\n\
         [factors]\nrule=[{needs=['fresh-code']}]\n\
         [claim]\ntarget_fmr=0.001\npatience_s=9\nreader_patience_s=10\n\
         [codes]\nsite='park'\nzone=2\nold_denylist_counts=true\n\
         [visit]\noutcome_shown_s=6\ngrant_life_ms=900\nrefusals_before_pause=7\npause_s=8\nlongest_pause_s=9\n\
         [door]\nopen_within_s=11\nheld_open_s=12\nexit_within_s=13\n",
    );
    use gate::*;
    let facility = Facility {
        offset_minutes: -60,
        hours: Schedule {
            week: [Some((540, 1_050)), None, Some((0, 1_440)), None, None, None, None],
            closed: vec![Date::new(2026, 11, 23).unwrap()],
        },
        admits: Admits::Entitled,
        party: PartyRule::OnePerson,
        inside: InsideRule::Refuse,
        longest_stay: Duration::from_hours(2),
        attributes_fresh_days: 3,
        age: AgeRule::OnTheEve,
        fees: vec![FeeClass {
            id: FeeClassId("a-1".into()),
            yen: 500,
            words: Words { japanese: "い".into(), easy: "ろ".into(), english: "c".into() },
            who: Who {
                resident: Some(false),
                from_age: Some(6),
                below_age: Some(65),
                school: Some(SchoolStage::HighSchool),
            },
        }],
        names: true,
        greeting: Greeting::Board,
        kiosks: 4,
    };
    let expected = Policy {
        mode: Mode::Normal,
        door: Policy::default().door,
        pad_floor: 0.6,
        target_fpir: 0.02,
        margin: 0.1,
        frames: 1,
        attempts: 2,
        patience: Duration::from_secs(4),
        absence: Duration::from_millis(501),
        freshness: Duration::from_millis(1_001),
        grant_life: Duration::from_millis(900),
        outcome_shown: Duration::from_secs(6),
        refusals_before_pause: 7,
        pause: Duration::from_secs(8),
        longest_pause: Duration::from_secs(9),
        direction: Direction::In,
        turn: ChallengeDemand::default(),
        sensor: SensorTier::default(),
        face_alone: FaceRules {
            simulated: FaceAlone::NeedsClaim,
            rgb: FaceAlone::Opens,
            nir: FaceAlone::OpensAfterTurn,
            depth: FaceAlone::NeedsClaim,
            counter: FaceAlone::OpensAfterTurn,
            registry_old: FaceAlone::NeedsClaim,
        },
        factors: FactorRules { any_of: vec![FactorRule::always(FactorSet::of(&[Factor::FreshCode]))] },
        claim: ClaimRule {
            target_fmr: 0.001,
            patience: Duration::from_secs(9),
            reader_patience: Duration::from_secs(10),
        },
        codes: CodePlace { site: "park".into(), zone: 2, old_denylist_counts: true },
        door_times: DoorTimes {
            open_within: Duration::from_secs(11),
            held_open: Duration::from_secs(12),
            exit_within: Duration::from_secs(13),
        },
        facility,
    };
    assert_eq!(changed, expected);
}

#[test]
fn what_is_kept_how_long_is_read_by_kind() {
    let text = "[retention]\ndecisions_days=1\nrefusals_days=2\nvisits_person_days=3\naccesses_days=4\n\
                removed_staff_days=5\n";
    let expected = Retention {
        decisions_days: 1,
        refusals_days: 2,
        visits_person_days: 3,
        accesses_days: 4,
        removed_staff_days: 5,
    };
    assert_eq!(parse("test.toml", text).unwrap().retention, expected);
}

#[test]
fn the_board_says_whether_there_is_a_door_and_what_the_camera_can_tell() {
    let policy = FacilityFile::default().policy_at(None, SensorTier::Depth);
    assert_eq!((policy.door, policy.sensor), (None, SensorTier::Depth));
}

#[test]
fn what_is_unknown_or_of_another_kind_is_refused_with_its_line() {
    check("[admission]\nadmit = 'entitled'\n", "admit", "expected one of `admits`");
    check("[admision]\n", "admision", "`admission`");
    check("[admission]\nadmits = 'everybody'\n", "admits = 'everybody'", "`every-enrolee`");
    check("[face]\nframes = '3'\n", "frames = '3'", "u64");
    check("[face]\npatience = 8\n", "patience", "`patience_s`");
    check("[[fee]]\nid = 'a'\n", "[[fee]]", "missing field `yen`");
    check("[face\n", "line 1", "unclosed table");
}

#[test]
fn a_week_is_named_whole() {
    check("[hours]\nmonday = '09:00-17:00'\n", "[hours]", "missing field `tuesday`");
    check("[hours]\nclosed = [2026-11-23]\n", "[hours]", "missing field `monday`");
}

#[test]
fn hours_that_no_clock_shows_are_refused() {
    let week = |monday: &str| {
        format!(
            "[hours]\nmonday = '{monday}'\ntuesday = 'closed'\nwednesday = 'closed'\nthursday = 'closed'\n\
             friday = 'closed'\nsaturday = 'closed'\nsunday = 'closed'\n"
        )
    };
    for good in ["00:00-24:00", "09:00-09:01", "closed"] {
        assert!(parse("test.toml", &week(good)).is_ok(), "{good}");
    }
    for bad in [
        "",
        "Closed",
        "9:00-17:00",
        "09:00",
        "09:00-",
        "17:00-09:00",
        "09:00-09:00",
        "09:60-17:00",
        "09:00-24:01",
        "09:00-25:00",
        "+9:00-17:00",
        "09:00–17:00",
        "22:00-02:00",
    ] {
        check(&week(bad), "hours.monday", "\"09:00-17:00\"");
    }
}

#[test]
fn closed_days_are_days_of_the_calendar() {
    let closed = |day: &str| {
        format!(
            "[hours]\nmonday='00:00-24:00'\ntuesday='00:00-24:00'\nwednesday='00:00-24:00'\n\
             thursday='00:00-24:00'\nfriday='00:00-24:00'\nsaturday='00:00-24:00'\nsunday='00:00-24:00'\n\
             closed=[{day}]\n"
        )
    };
    let hours = policy(&closed("2028-02-29")).facility.hours;
    let leap_day = Date::new(2028, 2, 29).unwrap();
    assert!(!hours.holds(Local { date: leap_day, minute: 600 }));
    assert!(hours.holds(Local { date: leap_day.plus_days(1).unwrap(), minute: 600 }));
    check(&closed("2026-11-23T10:00:00"), "hours.closed", "2026-12-29");
    check(&closed("10:00:00"), "hours.closed", "2026-12-29");
    for no_day in ["2027-02-29", "2026-13-01", "'2026-11-23'"] {
        refused(&closed(no_day));
    }
}

#[test]
fn numbers_outside_their_range_are_refused_and_those_at_its_ends_are_not() {
    for (section, key, least, most) in [
        ("admission", "longest_stay_h", "1", "24"),
        ("admission", "attributes_fresh_days", "1", "3660"),
        ("admission", "kiosks", "1", "1000"),
        ("admission", "utc_offset_min", "-720", "840"),
        ("face", "frames", "1", "30"),
        ("face", "attempts", "1", "10"),
        ("face", "patience_s", "2", "600"),
        ("face", "absence_ms", "500", "10000"),
        ("face", "freshness_ms", "200", "10000"),
        ("claim", "patience_s", "2", "600"),
        ("claim", "reader_patience_s", "10", "600"),
        ("codes", "zone", "0", "62"),
        ("visit", "outcome_shown_s", "1", "60"),
        ("visit", "grant_life_ms", "200", "10000"),
        ("visit", "refusals_before_pause", "1", "100"),
        ("visit", "longest_pause_s", "5", "600"),
        ("door", "open_within_s", "1", "60"),
        ("door", "held_open_s", "2", "600"),
        ("door", "exit_within_s", "1", "60"),
        ("retention", "decisions_days", "0", "3660"),
        ("retention", "refusals_days", "0", "3660"),
        ("retention", "visits_person_days", "0", "3660"),
        ("retention", "accesses_days", "0", "3660"),
        ("retention", "removed_staff_days", "0", "3660"),
    ] {
        let with = |value: i64| format!("[{section}]\n{key} = {value}\n");
        let (least, most): (i64, i64) = (least.parse().unwrap(), most.parse().unwrap());
        for good in [least, most] {
            assert!(parse("test.toml", &with(good)).is_ok(), "{key} = {good}");
        }
        for bad in [least - 1, most + 1] {
            check(&with(bad), key, "");
        }
    }
}

#[test]
fn shares_lie_between_nothing_and_everything_and_are_numbers() {
    for (section, key) in
        [("face", "pad_floor"), ("face", "target_fpir"), ("face", "margin"), ("claim", "target_fmr")]
    {
        for bad in ["0.0", "1.0", "-0.1", "1.5", "nan", "inf"] {
            check(&format!("[{section}]\n{key} = {bad}\n"), key, "above 0 and below 1");
        }
    }
}

#[test]
fn a_fee_has_a_name_for_records_and_words_that_fit_a_screen() {
    let fee = |id: &str, yen: i64, ja: &str| {
        format!("[[fee]]\nid = \"{id}\"\nyen = {yen}\nja = \"{ja}\"\neasy = \"い\"\nen = \"a\"\n")
    };
    assert!(parse("test.toml", &fee("a-1", 0, "大人")).is_ok());
    for bad in ["", "大人", "A", "a b", "=1"] {
        check(&fee(bad, 0, "大人"), "fee.id", "a to z");
    }
    check(&fee("a", 1_000_001, "大人"), "yen of the fee \"a\"", "0 to 1000000");
    check(&fee("a", 0, "  "), "ja of the fee \"a\"", "1 to 48 characters");
    check(&fee("a", 0, "大\\n人"), "ja of the fee \"a\"", "in one line");
    check(&fee("a", 0, &"大".repeat(49)), "ja of the fee \"a\"", "1 to 48 characters");
    check(&(fee("a", 0, "大人") + &fee("a", 1, "子供")), "fee.id", "each name once");
    let many: String = (0..65).map(|at| fee(&format!("a{at}"), 0, "大人")).collect();
    check(&many, "[[fee]]", "at most 64");
}

#[test]
fn a_file_without_end_is_not_read() {
    let endless = "# ".repeat(LONGEST_FILE);
    check(&endless, "test.toml", "65536");
}
