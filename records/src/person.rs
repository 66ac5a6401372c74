//! One person, as the registry says it (`Person`) and as a device says it (`Enrolled`).

use std::fmt;

use gate::{ModelId, PersonId, Template};
use ledger::{Body, KeyId, PersonKey, Value};
use zeroize::Zeroizing;

use crate::{
    BodyError, Fields, NewRegistration, map, of_registration,
    read::{exact, field, is, number, optional, personal},
    registration, whole,
};

/// References of one person. With 512 numbers each they still fit in one record.
pub const MAX_REFERENCES: usize = 24;

const PERSON: &str = "Person";
const ENROLLED: &str = "Enrolled";

/// What `Person` says in its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedPerson {
    /// The enrolee, by the id of that facility.
    pub person: PersonId,
    /// Counted up by the registry with each change.
    pub version: u64,
    /// The key that closes the personal part.
    pub key: KeyId,
}

impl StatedPerson {
    /// The fields.
    #[must_use]
    pub fn fields(&self) -> Fields {
        vec![
            ("person", Value::bytes(self.person.0)),
            ("version", whole(self.version)),
            ("key", Value::bytes(self.key.0)),
        ]
    }

    /// Reads the fields of a `Person`.
    ///
    /// # Errors
    /// [`BodyError`]; also where the personal part is closed by another key than the field names.
    pub fn read(body: &Body) -> Result<Self, BodyError> {
        is(body, PERSON)?;
        let stated = Self {
            person: PersonId(field(body, PERSON, "person", Value::as_array_of)?),
            version: field(body, PERSON, "version", number)?,
            key: KeyId(field(body, PERSON, "key", Value::as_array_of)?),
        };
        match &body.personal {
            Some(personal) if personal.key_id() == stated.key => Ok(stated),
            Some(_) => Err(BodyError::Personal { kind: PERSON, why: "it is closed by another key" }),
            None => Err(BodyError::Personal { kind: PERSON, why: "there is none" }),
        }
    }
}

/// What is said of a person in the personal part. The vectors are the bytes that were said, so that saying them again says
/// the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// The name that staff see.
    pub name: String,
    /// The model that made the references; none where there are none.
    pub model: Option<ModelId>,
    /// The references, each as 32-bit floats in little-endian order; at most [`MAX_REFERENCES`], all of one length.
    pub vectors: Vec<Zeroizing<Vec<u8>>>,
    /// What is registered.
    pub registered: NewRegistration,
}

impl Profile {
    /// Of these templates, all by one model.
    #[must_use]
    pub fn new(name: &str, templates: &[Template], registered: &NewRegistration) -> Self {
        Self {
            name: name.to_owned(),
            model: templates.first().map(|template| template.model().clone()),
            vectors: templates.iter().map(|template| Zeroizing::new(vector_bytes(template))).collect(),
            registered: registered.clone(),
        }
    }

    /// The personal part of `Person`.
    #[must_use]
    pub fn of_person(&self) -> Value {
        let model = self.model.as_ref().map_or(Value::Null, |model| Value::text(model.as_str()));
        map(vec![
            ("name", Value::text(&self.name)),
            ("model", model),
            ("templates", self.templates()),
            ("registered", of_registration(&self.registered)),
        ])
    }

    /// The personal part of `Enrolled`, whose fields name the model.
    #[must_use]
    pub fn of_enrolment(&self) -> Value {
        map(vec![
            ("name", Value::text(&self.name)),
            ("templates", self.templates()),
            ("registered", of_registration(&self.registered)),
        ])
    }

    fn templates(&self) -> Value {
        Value::Array(self.vectors.iter().map(|vector| Value::bytes(vector.as_slice())).collect())
    }

    /// Opens the personal part of a `Person` or an `Enrolled`.
    ///
    /// # Errors
    /// [`BodyError::Closed`] for another key; else what is wrong with it.
    pub fn open(body: &Body, key: &PersonKey) -> Result<Self, BodyError> {
        if body.kind == PERSON {
            let value = personal(body, PERSON, key)?;
            let parts = exact(&value, ["name", "model", "templates", "registered"]);
            let [name, model, vectors, registered] =
                parts.ok_or(BodyError::Personal { kind: PERSON, why: "other entries than it has" })?;
            let model = optional(model, as_model);
            return Self::read(PERSON, name, model, vectors, registered);
        }
        is(body, ENROLLED)?;
        let model = field(body, ENROLLED, "model", |value| optional(value, as_model))?;
        let value = personal(body, ENROLLED, key)?;
        let parts = exact(&value, ["name", "templates", "registered"]);
        let [name, vectors, registered] =
            parts.ok_or(BodyError::Personal { kind: ENROLLED, why: "other entries than it has" })?;
        Self::read(ENROLLED, name, Some(model), vectors, registered)
    }

    fn read(
        kind: &'static str,
        name: &Value,
        model: Option<Option<ModelId>>,
        vectors: &Value,
        registered: &Value,
    ) -> Result<Self, BodyError> {
        let wrong = |why| BodyError::Personal { kind, why };
        let vectors = vectors.as_array().ok_or(wrong("the templates are no list"))?;
        let bytes = |value: &Value| value.as_bytes().map(|bytes| Zeroizing::new(bytes.to_vec()));
        let profile = Self {
            name: name.as_text().ok_or(wrong("the name is no text"))?.to_owned(),
            model: model.ok_or(wrong("the model is no text"))?,
            vectors: vectors
                .iter()
                .map(bytes)
                .collect::<Option<_>>()
                .ok_or(wrong("a template is no bytes"))?,
            registered: registration(registered).ok_or(wrong("what is registered does not read"))?,
        };
        profile.check().map_err(wrong)?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), &'static str> {
        let alike = |it: &Zeroizing<Vec<u8>>| Some(it.len()) == self.vectors.first().map(|first| first.len());
        match (&self.model, self.vectors.len()) {
            (None, 0) => Ok(()),
            (Some(_), 0) => Err("there is a model and no template"),
            (None, _) => Err("there are templates and no model"),
            (Some(_), 1..=MAX_REFERENCES) if !self.vectors.iter().all(alike) => {
                Err("the templates have different lengths")
            }
            (Some(_), 1..=MAX_REFERENCES) if self.references().is_none() => Err("a template is no vector"),
            (Some(_), 1..=MAX_REFERENCES) => Ok(()),
            (Some(_), _) => Err("there are more templates than one person has"),
        }
    }

    /// The references as the rules use them. Nothing if a vector has no direction.
    #[must_use]
    pub fn references(&self) -> Option<Vec<Template>> {
        let Some(model) = &self.model else { return Some(Vec::new()) };
        let one = |bytes: &Zeroizing<Vec<u8>>| {
            let (numbers, []) = bytes.as_chunks::<4>() else { return None };
            let vector = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
            Template::new(model.clone(), vector).ok()
        };
        self.vectors.iter().map(one).collect()
    }
}

fn as_model(value: &Value) -> Option<ModelId> {
    value.as_text().map(ModelId::new)
}

/// A template as it is stored: 32-bit floats in little-endian order.
#[must_use]
pub fn vector_bytes(template: &Template) -> Vec<u8> {
    template.vector().iter().flat_map(|number| number.to_le_bytes()).collect()
}

impl fmt::Debug for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Profile({} references)", self.vectors.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{named, of_enrolment};
    use ledger::{Clock, Personal};

    const KEY: KeyId = KeyId([5; 16]);

    fn key() -> PersonKey {
        PersonKey::from_bytes([7; 32])
    }

    fn profile() -> Profile {
        let template = |numbers: [f32; 4]| Template::new(ModelId::new("toy-4"), numbers.to_vec()).unwrap();
        Profile::new(
            "青木 花子",
            &[template([1.0, 2.0, 3.0, 4.0]), template([0.0, 1.0, 0.0, -1.0])],
            &NewRegistration::default(),
        )
    }

    fn body(kind: &str, fields: Fields, value: &Value) -> Body {
        let clock = Clock { boot: [1; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
        let personal = Some(Personal::seal(&key(), KEY, [9; 24], value).unwrap());
        Body { kind: kind.to_owned(), clock, fields: named(fields), personal }
    }

    fn stated() -> StatedPerson {
        StatedPerson { person: PersonId([1; 16]), version: 3, key: KEY }
    }

    #[test]
    fn a_person_reads_back_as_it_was_said_bit_by_bit() {
        let said = body("Person", stated().fields(), &profile().of_person());
        assert_eq!(StatedPerson::read(&said), Ok(stated()));
        let read = Profile::open(&said, &key()).unwrap();
        assert!(read == profile() && read.of_person() == profile().of_person());
        let nobody = Profile::new("無名", &[], &NewRegistration::default());
        let said = body("Person", stated().fields(), &nobody.of_person());
        assert!(Profile::open(&said, &key()).unwrap() == nobody, "a person without a face");
    }

    #[test]
    fn what_a_device_enrolled_is_what_the_registry_says_when_it_takes_it_over() {
        let fields = of_enrolment(PersonId([1; 16]), profile().model.as_ref(), 2, None, None);
        let enrolled = Profile::open(&body("Enrolled", fields, &profile().of_enrolment()), &key()).unwrap();
        let adopted = body("Person", stated().fields(), &enrolled.of_person());
        assert!(Profile::open(&adopted, &key()).unwrap() == profile());
    }

    #[test]
    fn a_malformed_person_is_refused() {
        let Value::Map(entries) = profile().of_person() else { panic!("a map") };
        let check = |entries: Vec<(Value, Value)>, what: &str| {
            let said = body("Person", stated().fields(), &Value::Map(entries));
            assert!(matches!(Profile::open(&said, &key()), Err(BodyError::Personal { .. })), "{what}");
        };
        for place in 0..entries.len() {
            let mut fewer = entries.clone();
            fewer.remove(place);
            check(fewer, "an entry is missing");
            let mut other = entries.clone();
            other[place].1 = Value::Int(1);
            check(other, "an entry is a number");
        }
        let with = |name: &str, value: Value| {
            let mut all = entries.clone();
            all.iter_mut().filter(|(it, _)| it.as_text() == Some(name)).for_each(|it| it.1 = value.clone());
            all
        };
        let templates = |bytes: &[&[u8]]| Value::Array(bytes.iter().map(|it| Value::bytes(*it)).collect());
        check([entries.clone(), vec![(Value::text("more"), Value::Null)]].concat(), "an entry too many");
        check(with("templates", templates(&[])), "a model and no template");
        check(with("templates", templates(&[&[0; 16]])), "no direction");
        check(with("templates", templates(&[&[1; 15]])), "no whole numbers");
        check(with("templates", templates(&[&[1; 16], &[1; 12]])), "two lengths");
        check(with("templates", templates(&[[1; 16].as_slice(); MAX_REFERENCES + 1])), "too many");
        check(with("model", Value::Null), "templates and no model");
    }

    #[test]
    fn fields_are_looked_at_and_another_key_does_not_open() {
        let good = body("Person", stated().fields(), &profile().of_person());
        for name in ["person", "version", "key"] {
            let mut wrong = good.clone();
            wrong.fields.retain(|(field, _)| field != name);
            assert_eq!(StatedPerson::read(&wrong), Err(BodyError::Field { kind: "Person", field: name }));
        }
        let other = StatedPerson { key: KeyId([6; 16]), ..stated() };
        let wrong = body("Person", other.fields(), &profile().of_person());
        assert!(StatedPerson::read(&wrong).is_err(), "the field names another key");
        assert_eq!(Profile::open(&good, &PersonKey::from_bytes([8; 32])), Err(BodyError::Closed(KEY)));
        let door = Body { kind: "Door".into(), ..good };
        assert!(StatedPerson::read(&door).is_err() && Profile::open(&door, &key()).is_err());
    }

    #[test]
    fn debug_says_nothing_of_the_person() {
        let shown =
            format!("{:?} {:?}", profile(), body("Person", stated().fields(), &profile().of_person()));
        assert!(!shown.contains("青木") && !shown.contains("0.1"), "{shown}");
    }
}
