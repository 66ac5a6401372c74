//! The city's story, from a voucher to a withdrawal: what `cargo xtask demo --city` plays.
//!
//! A household is registered at the registry and recognised at both doors; the roads are cut, a door enrols somebody, and
//! both decide; the roads are open again, and everything arrives; a consent is withdrawn, and nobody at any door knows the
//! person any more. Each step is told when it has come true, by what the programs themselves say; the first that does not
//! come true ends the story with a [`Trouble`].

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{At as _, City, FACILITY, TENANT, Timeline, Traffic, Trouble, door::Decided, text_at};

/// The doors of the story.
pub const DOORS: [&str; 2] = ["北口 North", "南口 South"];
/// How long nobody is seen after a visit: longer than an outcome is shown (4 s) and than an absence (1.5 s).
pub const BETWEEN_VISITS: Duration = Duration::from_secs(6);
/// How long the doors stand without a network.
const CUT_FOR: Duration = Duration::from_secs(3);

/// Somebody of the story: the name, a photograph to enrol from and another to come with.
struct Somebody {
    name: &'static str,
    enrolled_from: &'static str,
    comes_as: &'static str,
}

const TARO: Somebody =
    Somebody { name: "見本 太郎", enrolled_from: "person-a-1.jpg", comes_as: "person-a-2.jpg" };
const HANAKO: Somebody =
    Somebody { name: "見本 花子", enrolled_from: "person-b-1.jpg", comes_as: "person-b-2.jpg" };
/// There is one photograph of him only.
const JIRO: Somebody =
    Somebody { name: "見本 次郎", enrolled_from: "stranger-2.png", comes_as: "stranger-2.png" };
const STRANGER: &str = "stranger-1.jpg";

/// A city in which the story is under way.
pub struct Story<'a> {
    city: &'a mut City,
    timeline: &'a Timeline,
    /// Since when somebody may come again.
    free: Instant,
}

/// Plays it from the beginning to the end.
///
/// # Errors
/// The first [`Trouble`].
pub fn play(city: &mut City, timeline: &Timeline) -> Result<(), Trouble> {
    let mut story = begun(city, timeline)?;
    story.recognised(&TARO)?;
    story.recognised(&HANAKO)?;
    story.unknown_at_both(STRANGER, "知らない人", "a stranger")?;
    let offline = story.cut()?;
    story.back(&offline)?;
    story.withdrawn()?;
    story.whole()
}

/// Plays its beginning: every door is joined, and a household that was registered has arrived everywhere.
///
/// # Errors
/// The first [`Trouble`].
pub fn begun<'a>(city: &'a mut City, timeline: &'a Timeline) -> Result<Story<'a>, Trouble> {
    let mut story = Story { city, timeline, free: Instant::now() };
    story.founded();
    story.joined()?;
    story.household()?;
    Ok(story)
}

impl Story<'_> {
    fn tell(&self, event: &'static str, who: &str, words: [&str; 2], details: Value) {
        self.timeline.tell(event, who, words, details);
    }

    /// Every door.
    fn all(&self) -> Vec<usize> {
        (0..self.city.doors.len()).collect()
    }

    fn founded(&self) {
        let database = if self.city.postgres.is_some() { "postgresql" } else { "sqlite" };
        self.tell(
            "founded",
            "registry",
            [
                "ブローカー（相互TLS）、登録所、施設ができました",
                "broker with mutual TLS, registry and facility are there",
            ],
            json!({ "tenant": TENANT, "facility": FACILITY, "database": database }),
        );
    }

    fn joined(&mut self) -> Result<(), Trouble> {
        for place in self.all() {
            self.city.join(place)?;
            let took = self.city.until("the door has the facility's keys", |city| {
                Ok(city.doors[place].joined(&city.doors[place].status()?))
            })?;
            self.tell(
                "joined",
                self.city.doors[place].name(),
                [
                    "招待券で参加し、施設の鍵を受け取りました",
                    "joined by its voucher and holds the facility's keys",
                ],
                json!({ "keys_after_ms": millis(took) }),
            );
        }
        Ok(())
    }

    /// A family is registered at the registry, by its representative.
    fn household(&mut self) -> Result<(), Trouble> {
        let file = self.city.desk.join("household.toml");
        let mut text = String::from("names_agreed = true\n");
        for (place, somebody) in [&HANAKO, &TARO].into_iter().enumerate() {
            let photo = self.city.photo(somebody.enrolled_from)?;
            text.push_str(&format!(
                "\n[[member]]\nname = \"{}\"\nrepresentative = {}\nphotos = [{:?}]\n",
                somebody.name,
                place == 0,
                photo.display().to_string()
            ));
        }
        fs::write(&file, text).at("write", &file)?;
        let facility = self.city.facility.clone();
        self.city.registry.household_add(&facility, &file)?;
        let committed = Instant::now();
        self.tell(
            "registered",
            "registry",
            ["世帯（二人）を写真から登録しました", "a household of two is registered from photographs"],
            json!({ "people": 2 }),
        );
        for place in self.all() {
            for somebody in [&TARO, &HANAKO] {
                self.known(place, somebody)?;
            }
            self.tell(
                "arrived",
                self.city.doors[place].name(),
                ["登録が届き、照合できます", "the registration has arrived and can be searched"],
                json!({ "after_ms": millis(committed.elapsed()) }),
            );
        }
        Ok(())
    }

    /// Waits until the rules of a door would let somebody in, and returns the enrolee.
    fn known(&mut self, place: usize, somebody: &Somebody) -> Result<String, Trouble> {
        let photo = self.city.photo(somebody.comes_as)?;
        let mut person = None;
        self.city.until(&format!("{} knows {}", DOORS[place], somebody.comes_as), |city| {
            let found = city.doors[place].identify(&photo)?;
            person = found.person.filter(|_| found.outcome == "granted");
            Ok(person.is_some())
        })?;
        person.ok_or_else(|| Trouble::untrue("a granted person has no id"))
    }

    /// Somebody comes to both doors and is let in.
    fn recognised(&mut self, somebody: &Somebody) -> Result<(), Trouble> {
        let photo = self.city.photo(somebody.comes_as)?;
        for (place, decided) in self.visit(&self.all(), &photo)? {
            self.expect(place, &decided, "granted")?;
            self.tell_visit(place, somebody.name, &decided);
        }
        Ok(())
    }

    /// Somebody comes to both doors and nobody knows who it is.
    fn unknown_at_both(&mut self, photo: &str, ja: &str, en: &str) -> Result<(), Trouble> {
        let photo = self.city.photo(photo)?;
        for (place, decided) in self.visit(&self.all(), &photo)? {
            self.expect(place, &decided, "no-match")?;
            let words = [format!("{ja}：扉は開きません"), format!("{en}: the door stays shut")];
            self.tell_words("visit", place, &words, &decided);
        }
        Ok(())
    }

    fn expect(&self, place: usize, decided: &Decided, outcome: &str) -> Result<(), Trouble> {
        if decided.outcome == outcome {
            return Ok(());
        }
        let name = self.city.doors[place].name();
        Err(Trouble::untrue(format!("{name}: expected {outcome}, came out {}", decided.outcome)))
    }

    fn tell_visit(&self, place: usize, name: &str, decided: &Decided) {
        let words =
            [format!("{name} さんを認識し、扉を開けました"), format!("{name} is recognised and let in")];
        self.tell_words("visit", place, &words, decided);
    }

    fn tell_words(&self, event: &'static str, place: usize, [ja, en]: &[String; 2], decided: &Decided) {
        let details = json!({ "outcome": decided.outcome, "person": decided.person });
        self.tell(event, self.city.doors[place].name(), [ja, en], details);
    }

    /// Somebody stands before these doors until each has decided, and goes away.
    fn visit(&mut self, doors: &[usize], photo: &Path) -> Result<Vec<(usize, Decided)>, Trouble> {
        thread::sleep(self.free.saturating_duration_since(Instant::now()));
        let before: Vec<usize> = doors
            .iter()
            .map(|place| Ok(self.city.doors[*place].decisions()?.len()))
            .collect::<Result<_, Trouble>>()?;
        for place in doors {
            self.city.doors[*place].view.shows(photo)?;
        }
        let mut decided = Vec::new();
        for (place, before) in doors.iter().zip(before) {
            let mut found = None;
            self.city.until(&format!("{} decides", DOORS[*place]), |city| {
                found = city.doors[*place].decisions()?.into_iter().nth(before);
                Ok(found.is_some())
            })?;
            self.city.doors[*place].view.nobody()?;
            decided.extend(found.map(|found| (*place, found)));
        }
        self.free = Instant::now() + BETWEEN_VISITS;
        Ok(decided)
    }

    /// The roads are cut; a door enrols somebody, and both decide. Returns who was enrolled.
    fn cut(&mut self) -> Result<String, Trouble> {
        for door in &self.city.doors {
            door.road.set(Traffic::Cut);
        }
        let cut = Instant::now();
        self.tell(
            "cut",
            "network",
            ["両方の扉の通信が切れました", "the network of both doors is cut"],
            Value::Null,
        );
        let photo = self.city.photo(JIRO.enrolled_from)?;
        let enrolled = self.city.doors[0].ask(&["enrol", "--name", JIRO.name, "--photo", &text(&photo)])?;
        let person = text_at(DOORS[0], enrolled.first().unwrap_or(&Value::Null), "person")?;
        self.tell(
            "enrolled",
            DOORS[0],
            ["通信なしで 見本 次郎 さんを登録しました", "見本 次郎 is enrolled without a network"],
            json!({ "person": person }),
        );
        for (place, decided) in self.visit(&[0], &photo)? {
            self.expect(place, &decided, "granted")?;
            self.tell_visit(place, JIRO.name, &decided);
        }
        let hanako = self.city.photo(HANAKO.comes_as)?;
        for (place, decided) in self.visit(&[1], &hanako)? {
            self.expect(place, &decided, "granted")?;
            self.tell_visit(place, HANAKO.name, &decided);
        }
        let elsewhere = self.city.doors[1].identify(&photo)?;
        self.expect(1, &elsewhere, "no-match")?;
        thread::sleep(CUT_FOR.saturating_sub(cut.elapsed()));
        Ok(person)
    }

    /// The roads are open again: the enrolment reaches the other door and the registry, and every record is receipted.
    fn back(&mut self, person: &str) -> Result<(), Trouble> {
        for door in &self.city.doors {
            door.road.set(Traffic::Open);
        }
        self.tell("open", "network", ["通信が戻りました", "the network is back"], Value::Null);
        let back = Instant::now();
        let found = self.known(1, &JIRO)?;
        if found != person {
            return Err(Trouble::untrue(format!("{} knows somebody else than was enrolled", DOORS[1])));
        }
        self.tell(
            "arrived",
            DOORS[1],
            ["北口での登録が届きました", "the enrolment at the north door has arrived"],
            json!({ "person": person, "after_ms": millis(back.elapsed()) }),
        );
        self.city.until("the registry has taken over the enrolment", |city| city.registry.knows(person))?;
        self.tell(
            "adopted",
            "registry",
            ["登録所が引き継ぎました", "the registry has taken the enrolment over"],
            json!({ "person": person, "after_ms": millis(back.elapsed()) }),
        );
        self.receipted()
    }

    fn receipted(&mut self) -> Result<(), Trouble> {
        for place in self.all() {
            let mut waiting = None;
            self.city.until(&format!("every record of {} is receipted", DOORS[place]), |city| {
                let status = city.doors[place].status()?;
                waiting = city.doors[place].unreceipted(&status);
                Ok(waiting == Some(0))
            })?;
            self.tell(
                "receipted",
                DOORS[place],
                ["すべての記録の受領証があります", "every record has its receipt"],
                json!({ "waiting": waiting }),
            );
        }
        Ok(())
    }

    /// A consent is withdrawn at the registry, and nobody at any door knows the person any more.
    fn withdrawn(&mut self) -> Result<(), Trouble> {
        let person = self.known(0, &TARO)?;
        self.city.registry.withdraw(&person)?;
        let withdrawn = Instant::now();
        self.tell(
            "withdrawn",
            "registry",
            ["見本 太郎 さんの同意の撤回を受け付けました", "見本 太郎's consent is withdrawn"],
            json!({ "person": person }),
        );
        let photo = self.city.photo(TARO.comes_as)?;
        for place in self.all() {
            self.city.until(&format!("{} has forgotten", DOORS[place]), |city| {
                Ok(city.doors[place].identify(&photo)?.outcome == "no-match")
            })?;
            self.tell(
                "forgotten",
                DOORS[place],
                ["だれとも一致しません", "the face matches nobody"],
                json!({ "after_ms": millis(withdrawn.elapsed()) }),
            );
        }
        self.unknown_at_both(TARO.comes_as, "撤回した人", "whoever withdrew")?;
        self.city.until("every door has confirmed the erasure", |city| city.registry.erased(&person))?;
        self.tell(
            "erased",
            "registry",
            ["すべての扉が消去を確認しました", "every door has confirmed the erasure"],
            json!({ "person": person, "after_ms": millis(withdrawn.elapsed()) }),
        );
        self.recognised(&HANAKO)
    }

    /// Everything that is on record holds together.
    fn whole(&mut self) -> Result<(), Trouble> {
        self.receipted()?;
        for place in self.all() {
            let report = self.city.doors[place].ask(&["audit", "verify"])?;
            let records = report.first().map(|report| report["records"].clone()).unwrap_or_default();
            self.tell(
                "verified",
                DOORS[place],
                ["監査記録に欠けも改変もありません", "the audit log is whole"],
                json!({ "records": records }),
            );
        }
        self.city.registry.tell(&["audit", "verify"])?;
        self.tell(
            "verified",
            "registry",
            ["登録所の記録に欠けも改変もありません", "the registry's records are whole"],
            Value::Null,
        );
        self.city.stop()
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
