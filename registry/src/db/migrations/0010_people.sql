-- People, and the operators who work with them. Whatever says something of a person is sealed under that person's key of
-- one facility (P); when the key is destroyed, an old page or a backup of these tables says nothing any more.

-- A person of the tenant: an id that stands nowhere else than here.
CREATE TABLE people (person BYTES PRIMARY KEY, added_ms NUMBER NOT NULL);

-- A person at one facility, under the enrolee id of that facility. `sealed`: name and what is registered; `face`: references.
CREATE TABLE registrations (
    grp BYTES NOT NULL, enrolee BYTES NOT NULL, person BYTES NOT NULL, household BYTES, sealed BYTES NOT NULL, face BYTES,
    added_ms NUMBER NOT NULL, PRIMARY KEY (grp, enrolee)
);
CREATE UNIQUE INDEX registrations_person ON registrations (person, grp);
CREATE INDEX registrations_enrolee ON registrations (enrolee);
CREATE INDEX registrations_household ON registrations (household);

-- A household at one facility; `family` is what its ids at several facilities have in common.
CREATE TABLE households (
    household BYTES PRIMARY KEY, grp BYTES NOT NULL, family BYTES NOT NULL, names_agreed NUMBER NOT NULL,
    version NUMBER NOT NULL
);
CREATE TABLE entitlements (
    entitlement BYTES PRIMARY KEY, grp BYTES NOT NULL, enrolee BYTES NOT NULL, sealed BYTES NOT NULL,
    version NUMBER NOT NULL, withdrawn NUMBER NOT NULL
);
CREATE INDEX entitlements_enrolee ON entitlements (grp, enrolee);

-- What people agree to, and who agreed. A text that somebody agreed to is never changed.
CREATE TABLE consent_texts (
    version TEXT PRIMARY KEY, japanese TEXT NOT NULL, easy TEXT NOT NULL, english TEXT NOT NULL, digest BYTES NOT NULL,
    added_ms NUMBER NOT NULL
);
CREATE TABLE consents (
    consent BYTES PRIMARY KEY, person BYTES NOT NULL, version TEXT NOT NULL, digest BYTES NOT NULL, language TEXT NOT NULL,
    given_by TEXT NOT NULL, operator TEXT NOT NULL, given_ms NUMBER NOT NULL
);
CREATE INDEX consents_person ON consents (person);

-- Who looked at what is held about a person; `sealed` is the reason.
CREATE TABLE accesses (
    access BYTES PRIMARY KEY, grp BYTES NOT NULL, enrolee BYTES NOT NULL, operator TEXT NOT NULL, what TEXT NOT NULL,
    sealed BYTES NOT NULL, at_ms NUMBER NOT NULL
);
CREATE INDEX accesses_enrolee ON accesses (grp, enrolee, at_ms);
CREATE INDEX accesses_at ON accesses (at_ms);

-- Two enrolees of whom a human said whether they are one person: `same` or `apart`. The smaller id stands first.
CREATE TABLE duplicates (
    grp BYTES NOT NULL, one BYTES NOT NULL, other BYTES NOT NULL, verdict TEXT NOT NULL, operator TEXT NOT NULL,
    at_ms NUMBER NOT NULL, PRIMARY KEY (grp, one, other)
);

-- Sessions of operators, by the digest of the token; and wrong passwords, by the digest of the name.
CREATE TABLE sessions (
    digest BYTES PRIMARY KEY, operator TEXT NOT NULL, password BYTES NOT NULL, began_ms NUMBER NOT NULL,
    used_ms NUMBER NOT NULL
);
CREATE TABLE tries (
    name BYTES PRIMARY KEY, known NUMBER NOT NULL, wrong NUMBER NOT NULL, locks NUMBER NOT NULL,
    locked_until_ms NUMBER NOT NULL, tried_ms NUMBER NOT NULL
);
