//! The answers to the desk's questions, on the thread that owns the vault. Each act names who answers for it, and whether
//! they may is asked of the vault again.
//!
//! People under protection are counted like everybody, and named to supervisors alone.

use std::sync::Arc;

use card::Issuer;
use gate::{
    Attributes, Date, FeeClassId, Local, Now, Period, PersonId, Policy, Registered, Roster, StaffId,
    Template, Words, inside::muster,
};
use store::{
    By, ConsentGiven, Enrolment, GivenBy, NewEntitlement, NewHousehold, NewRegistration, Store, StoreError,
    VisitOutcome, VisitRow,
};

use super::{
    Alike, Ask, CardNumber, Consent, ConsentLanguage, Counts, Enrolled, Failure, Fee, Fees, Found, Household,
    InsideNow, Member, Pass, Refused, Reply, Role, SignedIn, Why,
};
use crate::{facility_file, search::SearchSet, service};

/// Refusals that are listed.
const LAST_REFUSALS: u32 = 10;
/// People who are listed for one name; each is a record of a look-up.
const MOST_FOUND: usize = 20;

/// What came of a question.
pub(crate) struct Answered {
    /// What the desk is told.
    pub(crate) reply: Reply,
    /// What is searched from now on, if that changed.
    pub(crate) set: Option<SearchSet>,
}

impl From<Reply> for Answered {
    fn from(reply: Reply) -> Self {
        Self { reply, set: None }
    }
}

/// Answers one question.
pub(crate) fn serve_desk(
    store: &mut Store,
    set: &SearchSet,
    policy: &Policy,
    now: Now,
    ask: Ask,
) -> Answered {
    let mut desk = Serving { store, set, policy, now };
    desk.answer(ask).unwrap_or_else(|failure| Reply::Failed(failure).into())
}

struct Serving<'a> {
    store: &'a mut Store,
    set: &'a SearchSet,
    policy: &'a Policy,
    now: Now,
}

impl Serving<'_> {
    fn answer(&mut self, ask: Ask) -> Result<Answered, Failure> {
        let reply = match ask {
            Ask::Staff => Reply::Staff(self.staff()?),
            Ask::SignIn(staff, pin) => {
                let answer = self.store.sign_in(self.now, staff, pin.expose()).map_err(failure)?;
                self.signed_in(staff, answer)?
            }
            Ask::SignInByCard(CardNumber(kind, bytes)) => {
                let answer = self.store.sign_in_by_credential(self.now, kind, &bytes).map_err(failure)?;
                let (staff, answer) = answer.ok_or(Failure::UnknownCard)?;
                self.signed_in(staff, answer)?
            }
            Ask::Consent => Reply::Consent(self.consent()?),
            Ask::Fees => Reply::Fees(self.fees()),
            Ask::Enrol(who, household) => return self.enrol(&who, &household),
            Ask::Counts(who) => {
                self.role(&who)?;
                Reply::Counts(self.counts()?)
            }
            Ask::Refusals(who) => {
                self.role(&who)?;
                Reply::Refusals(self.refusals()?)
            }
            Ask::Inside(who) => {
                self.role(&who)?;
                Reply::Inside(self.inside()?)
            }
            Ask::Find(who, name) => Reply::Found(self.find(&who, &name)?),
            Ask::Revoke(who, person) => return self.revoke(&who, person),
            Ask::Erase(who, person) => return self.erase(&who, person),
        };
        Ok(reply.into())
    }

    fn staff(&mut self) -> Result<Vec<(StaffId, Arc<str>)>, Failure> {
        let working = self.store.staff().map_err(failure)?.into_iter().filter(|member| !member.removed);
        let mut staff: Vec<(StaffId, Arc<str>)> =
            working.map(|member| (member.id, member.name.into())).collect();
        staff.sort_by(|left, right| left.1.cmp(&right.1));
        Ok(staff)
    }

    fn signed_in(&mut self, staff: StaffId, answer: store::SignIn) -> Result<Reply, Failure> {
        let role = match answer {
            store::SignIn::Ok { role } => role_of(role),
            store::SignIn::Wrong { .. } => return Err(Failure::WrongPin),
            store::SignIn::LockedOut { wait } => return Err(Failure::LockedOut(wait)),
        };
        let members = self.store.staff().map_err(failure)?;
        let name = members.into_iter().find(|member| member.id == staff).ok_or(Failure::NotAllowed)?.name;
        Ok(Reply::SignedIn(SignedIn::new(staff, name.into(), role)))
    }

    /// What somebody may do now; whoever was removed since they signed in may do nothing.
    fn role(&self, who: &SignedIn) -> Result<Role, Failure> {
        let members = self.store.staff().map_err(failure)?;
        let found = members.into_iter().find(|member| member.id == who.staff() && !member.removed);
        found.map(|member| role_of(member.role)).ok_or(Failure::NotAllowed)
    }

    fn local(&self) -> Option<Local> {
        Local::at(self.now.wall?.unix_ms, self.policy.facility.offset_minutes)
    }

    /// Today, where the clock is sure of it.
    fn today(&self) -> Option<Date> {
        let (first, last) = Local::span(self.now.wall, self.policy.facility.offset_minutes)?;
        (first.date == last.date).then_some(first.date)
    }

    fn consent(&self) -> Result<Consent, Failure> {
        let text = self.store.consent_texts().map_err(failure)?.pop().ok_or(Failure::NoConsentText)?;
        let rules = facility_file::of_vault(self.store).map_err(|error| {
            tracing::error!(error = crate::output::explain(&error), "desk");
            Failure::NotStored
        })?;
        let rule = rules.card_photo;
        Ok(Consent {
            version: text.version.into(),
            words: Words {
                japanese: text.japanese.into(),
                easy: text.easy.into(),
                english: text.english.into(),
            },
            today: self.today(),
            pad_floor: self.policy.pad_floor,
            card_photo: rule.threshold(),
            card_attempts: rule.attempts,
        })
    }

    fn fees(&self) -> Fees {
        let fee =
            |class: &gate::FeeClass| Fee { id: class.id.clone(), words: class.words.clone(), yen: class.yen };
        let mut classes: Vec<Fee> = self.policy.facility.fees.iter().map(fee).collect();
        if classes.is_empty() {
            classes.push(visitor());
        }
        Fees { classes, door: self.policy.door.is_some() }
    }

    fn enrol(&mut self, who: &SignedIn, household: &Household) -> Result<Answered, Failure> {
        self.role(who)?;
        let newest = self.store.consent_texts().map_err(failure)?.pop().ok_or(Failure::NoConsentText)?;
        if *newest.version != *household.agreed.version {
            return Err(Failure::ConsentChanged);
        }
        let alike = self.alike(household)?;
        let by = By::Staff(who.staff());
        let speaker = household.representative.or(household.names_agreed.then_some(0));
        let confirmed = self.today();
        let place = |(at, member)| enrolment(household, member, speaker == Some(at), confirmed, by);
        let enrolments: Vec<Enrolment> = household.members.iter().enumerate().map(place).collect();
        let people = match speaker {
            Some(_) => {
                let new = NewHousehold { names_agreed: household.names_agreed, by };
                self.store.enrol_household(self.now, new, &enrolments).map_err(failure)?.members
            }
            None => self.store.enrol_many(self.now, enrolments).map_err(failure)?,
        };
        let enrolled = Enrolled {
            people: people.len(),
            alike,
            passes_missing: !self.give_passes(&people, household, by),
        };
        self.say_methods(&people, household, by);
        let set = self.searched(&people, household)?;
        Ok(Answered { reply: Reply::Enrolled(enrolled), set })
    }

    /// Whether everybody has the pass that was asked for. They are enrolled in any case.
    fn give_passes(&mut self, people: &[(PersonId, gate::RecordId)], household: &Household, by: By) -> bool {
        let mut all = true;
        for ((person, _), member) in people.iter().zip(&household.members) {
            let Some(pass) = member.pass else { continue };
            let new = match pass {
                Pass::Until(day) => {
                    NewEntitlement { period: Period { from: None, until: Some(day) }, coupons: None }
                }
                Pass::Coupons(many) => NewEntitlement { period: Period::ALWAYS, coupons: Some(many) },
            };
            if let Err(error) = self.store.add_entitlement(self.now, *person, new, by) {
                tracing::error!(%person, error = crate::output::explain(&error), "pass not stored");
                all = false;
            }
        }
        all
    }

    /// Says on record how a face was compared with a card, and what was not checked. Nothing else of the card is kept.
    fn say_methods(&mut self, people: &[(PersonId, gate::RecordId)], household: &Household, by: By) {
        for ((person, _), member) in people.iter().zip(&household.members) {
            let Some(issuer) = member.card else { continue };
            if let Err(error) = self.store.record_access(self.now, *person, by, method(issuer)) {
                tracing::error!(%person, error = crate::output::explain(&error), "method not recorded");
            }
        }
    }

    fn searched(
        &self,
        people: &[(PersonId, gate::RecordId)],
        household: &Household,
    ) -> Result<Option<SearchSet>, Failure> {
        let mut enlarged: Option<SearchSet> = None;
        for ((person, _), member) in people.iter().zip(&household.members) {
            if !member.templates.is_empty() {
                let before = enlarged.as_ref().unwrap_or(self.set);
                let after = before.with_enrolled(*person, &member.templates, None, self.policy);
                enlarged = Some(after.map_err(|_| Failure::NotStored)?);
            }
        }
        Ok(enlarged)
    }

    /// Who looks alike: each other, and those who are there already. A match of a revoked enrolment is refused.
    fn alike(&self, household: &Household) -> Result<Vec<Alike>, Failure> {
        let roster = self.store.roster().map_err(failure)?;
        let mut pairs = Vec::new();
        for (at, member) in household.members.iter().enumerate() {
            let name: Arc<str> = member.name.as_str().into();
            let found = service::alike(self.set, &member.templates, None).map_err(|error| {
                if matches!(error, service::ServeError::MatchesRevoked { .. }) {
                    return Failure::MatchesRevoked;
                }
                tracing::error!(error = crate::output::explain(&error), "desk");
                Failure::NotStored
            })?;
            for other in found.iter().filter_map(|other| other.person.parse().ok()) {
                pairs.push(Alike { new: Arc::clone(&name), other: self.name(&roster, other) });
            }
            for other in &household.members[..at] {
                if self.same(&member.templates, &other.templates) {
                    let other = (!other.protected).then(|| other.name.as_str().into());
                    pairs.push(Alike { new: Arc::clone(&name), other });
                }
            }
        }
        Ok(pairs)
    }

    fn same(&self, one: &[Template], other: &[Template]) -> bool {
        let from = self.set.alike_from();
        one.iter().any(|a| other.iter().any(|b| a.compare(b).is_ok_and(|score| score >= from)))
    }

    /// A name for the list; none under protection.
    fn name(&self, roster: &Roster, person: PersonId) -> Option<Arc<str>> {
        let shown = roster.get(person).is_some_and(|known| !known.protected);
        shown.then(|| self.store.name(person).ok().flatten()).flatten().map(Into::into)
    }

    fn counts(&self) -> Result<Counts, Failure> {
        let counts = match self.local() {
            Some(local) => self.store.counts(local.date).map_err(failure)?,
            // Without a clock, all that no clock gave a day.
            None => store::Counts::of(&self.store.visits_undated().map_err(failure)?),
        };
        Ok(Counts {
            by_way: counts.by_way.into_iter().collect(),
            by_fee: counts
                .by_fee
                .into_iter()
                .map(|(fee, many)| (fee.map(|fee| self.words(&fee)), many))
                .collect(),
            total: counts.visitors,
        })
    }

    /// What a fee class is called; its name in the records where the facility has it no more.
    fn words(&self, fee: &FeeClassId) -> Words {
        let class = self.policy.facility.fees.iter().find(|class| class.id == *fee);
        let plain = || visitor_words(fee);
        class.map_or_else(plain, |class| class.words.clone())
    }

    fn refusals(&self) -> Result<Vec<Refused>, Failure> {
        let rows = self.store.last_refusals(LAST_REFUSALS).map_err(failure)?;
        let roster = self.store.roster().map_err(failure)?;
        Ok(rows.iter().filter_map(|row| self.refused(&roster, row)).collect())
    }

    fn refused(&self, roster: &Roster, row: &VisitRow) -> Option<Refused> {
        let VisitOutcome::Refused { reason, .. } = &row.outcome else { return None };
        let why = Why::of(reason);
        // The owner of a card that was shown is not whoever showed it.
        let person = row.person.filter(|_| why != Why::Card);
        let at = row
            .minute
            .and_then(|minute| Some((u8::try_from(minute / 60).ok()?, u8::try_from(minute % 60).ok()?)));
        Some(Refused { at, why, name: person.and_then(|person| self.name(roster, person)) })
    }

    fn inside(&self) -> Result<InsideNow, Failure> {
        let inside = self.store.inside(self.now).map_err(failure)?;
        let roster = self.store.roster().map_err(failure)?;
        let people = muster(&inside, &self.policy.facility, self.now.wall);
        let by_hand = match self.local() {
            Some(local) => self.store.counts(local.date).map_err(failure)?.manual,
            None => 0,
        };
        Ok(InsideNow { people: people.iter().map(|person| self.name(&roster, *person)).collect(), by_hand })
    }

    /// People by a part of their name. Each one shown is a look-up on record, before it is shown.
    fn find(&mut self, who: &SignedIn, name: &str) -> Result<Vec<Found>, Failure> {
        let supervisor = self.role(who)? >= Role::Supervisor;
        let wanted = plain(name);
        let roster = self.store.roster().map_err(failure)?;
        let people = self.store.people().map_err(failure)?.into_iter();
        let people = people.filter(|person| person.reinstated_as.is_none());
        let people = people.filter(|person| supervisor || !person.registered.protected);
        let mut found = Vec::new();
        for person in people.filter(|person| plain(&person.name).contains(&wanted)).take(MOST_FOUND) {
            let by = By::Staff(who.staff());
            self.store.record_access(self.now, person.id, by, "searched at the desk").map_err(failure)?;
            found.push(Found {
                person: person.id,
                born: person.registered.attributes.born,
                standing: person.standing,
                face: person.references > 0,
                protected: person.registered.protected,
                stale: roster.get(person.id).is_some_and(|known| self.stale(known)),
                name: person.name.into(),
            });
        }
        Ok(found)
    }

    fn stale(&self, known: &Registered) -> bool {
        let fresh = i64::from(self.policy.facility.attributes_fresh_days);
        let age = self.today().zip(known.attributes.confirmed).map(|(today, day)| today.days() - day.days());
        age.is_some_and(|days| days > fresh)
    }

    fn revoke(&mut self, who: &SignedIn, person: PersonId) -> Result<Answered, Failure> {
        self.may_touch(who, person, Role::Reception)?;
        let by: String = who.staff().0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.store.revoke(self.now, person, &format!("at the desk, by staff {by}")).map_err(failure)?;
        Ok(Answered { reply: Reply::Revoked, set: Some(self.set.with_revoked(person, self.policy)) })
    }

    fn erase(&mut self, who: &SignedIn, person: PersonId) -> Result<Answered, Failure> {
        self.may_touch(who, person, Role::Supervisor)?;
        let erased = self.store.erase(self.now, person, By::Staff(who.staff())).map_err(failure)?;
        Ok(Answered { reply: Reply::Erased, set: Some(self.set.without(&erased.people, self.policy)) })
    }

    /// Whether somebody of at least this role may do it; to people under protection, only a supervisor.
    fn may_touch(&self, who: &SignedIn, person: PersonId, least: Role) -> Result<(), Failure> {
        let roster = self.store.roster().map_err(failure)?;
        let protected = roster.get(person).is_some_and(|known| known.protected);
        let least = if protected { Role::Supervisor } else { least };
        if self.role(who)? >= least { Ok(()) } else { Err(Failure::NotAllowed) }
    }
}

fn enrolment(
    household: &Household,
    member: &Member,
    representative: bool,
    confirmed: Option<Date>,
    by: By,
) -> Enrolment {
    let agreed = &household.agreed;
    let alone = household.members.len() == 1;
    let given_by = match (agreed.guardian, representative || alone) {
        (true, _) => GivenBy::Guardian,
        (false, true) => GivenBy::Person,
        (false, false) => GivenBy::Representative,
    };
    Enrolment {
        name: member.name.to_string(),
        templates: member.templates.clone(),
        reinstates: None,
        without_face: member.templates.is_empty(),
        registered: NewRegistration {
            representative,
            protected: member.protected,
            attributes: Attributes { born: member.born, residency: member.residency, confirmed },
            assurance: member.assurance,
            ..NewRegistration::default()
        },
        consent: Some(ConsentGiven {
            version: agreed.version.to_string(),
            language: match agreed.language {
                ConsentLanguage::Japanese => store::ConsentLanguage::Japanese,
                ConsentLanguage::Easy => store::ConsentLanguage::Easy,
                ConsentLanguage::English => store::ConsentLanguage::English,
            },
            given_by,
        }),
        by,
    }
}

/// How somebody was checked whose face is that of the photograph on a card.
fn method(issuer: Issuer) -> &'static str {
    match issuer {
        Issuer::Certified => {
            "photo of the MyNumber card compared; record and chip checked, issuer certified, revocation not checked"
        }
        Issuer::Pinned => {
            "photo of the MyNumber card compared; record and chip checked, issuer known, revocation not checked"
        }
        Issuer::Unknown => {
            "photo of the MyNumber card compared; record and chip checked, issuer and revocation not checked"
        }
    }
}

/// Where the facility has no fee classes, everybody is a visitor.
fn visitor() -> Fee {
    let words =
        Words {
            japanese: "来館者".into(), easy: "来（く）る人（ひと）".into(), english: "Visitor".into()
        };
    Fee { id: FeeClassId("visitor".into()), words, yen: 0 }
}

fn visitor_words(fee: &FeeClassId) -> Words {
    let visitor = visitor();
    if visitor.id == *fee {
        return visitor.words;
    }
    Words { japanese: Arc::clone(&fee.0), easy: Arc::clone(&fee.0), english: Arc::clone(&fee.0) }
}

/// A name without its spaces, in small letters.
fn plain(name: &str) -> String {
    name.chars().filter(|character| !character.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn role_of(role: store::Role) -> Role {
    match role {
        store::Role::Reception => Role::Reception,
        store::Role::Supervisor => Role::Supervisor,
    }
}

/// What staff are told of an error of the vault; the log has the rest.
fn failure(error: StoreError) -> Failure {
    if matches!(error, StoreError::AlreadyRevoked(_)) {
        return Failure::RevokedBefore;
    }
    if matches!(error, StoreError::UnknownPerson(_) | StoreError::Erased(_)) {
        return Failure::NotThere;
    }
    if matches!(error, StoreError::UnknownStaff) {
        return Failure::NotAllowed;
    }
    if matches!(error, StoreError::UnusableCredential) {
        return Failure::UnknownCard;
    }
    tracing::error!(error = crate::output::explain(&error), "desk");
    Failure::NotStored
}

#[cfg(test)]
mod tests;
