-- What a facility knows of its people, its staff, its visits. What each table is for is told in src/schema.rs.

CREATE TABLE keys_of_two (
    name   TEXT PRIMARY KEY CHECK (name IN ('author', 'group', 'site')),
    id     BLOB NOT NULL CHECK (length(id) = 16),
    epoch  INTEGER NOT NULL,
    secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT, WITHOUT ROWID;
INSERT INTO keys_of_two SELECT name, id, epoch, secret FROM keys;
DROP TABLE keys;
ALTER TABLE keys_of_two RENAME TO keys;

CREATE INDEX people_by_successor ON people (replaced_by) WHERE replaced_by IS NOT NULL;

CREATE TABLE erased (
    person  BLOB PRIMARY KEY CHECK (length(person) = 16),
    run     BLOB NOT NULL CHECK (length(run) = 16),
    seq     INTEGER NOT NULL,
    wall_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE households (
    number       INTEGER PRIMARY KEY,
    household    BLOB NOT NULL UNIQUE CHECK (length(household) = 16),
    names_agreed INTEGER NOT NULL CHECK (names_agreed IN (0, 1))
) STRICT;

CREATE TABLE registrations (
    person         INTEGER PRIMARY KEY REFERENCES people (number),
    household      INTEGER REFERENCES households (number),
    representative INTEGER NOT NULL CHECK (representative IN (0, 1)),
    protected      INTEGER NOT NULL CHECK (protected IN (0, 1)),
    born           TEXT CHECK (length(born) = 10),
    residency      TEXT CHECK (residency IN ('resident', 'non-resident')),
    resident_from  TEXT CHECK (length(resident_from) = 10),
    resident_until TEXT CHECK (length(resident_until) = 10),
    confirmed      TEXT CHECK (length(confirmed) = 10),
    valid_from     TEXT CHECK (length(valid_from) = 10),
    valid_until    TEXT CHECK (length(valid_until) = 10),
    schedule       BLOB,
    assurance      TEXT NOT NULL CHECK (assurance IN ('self-declared', 'photo-matched', 'jpki-verified')),
    CHECK (representative = 0 OR household IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX one_representative ON registrations (household) WHERE representative = 1;
CREATE INDEX registrations_by_household ON registrations (household) WHERE household IS NOT NULL;

CREATE TABLE entitlements (
    number         INTEGER PRIMARY KEY,
    entitlement    BLOB NOT NULL UNIQUE CHECK (length(entitlement) = 16),
    person         INTEGER NOT NULL REFERENCES people (number),
    valid_from     TEXT CHECK (length(valid_from) = 10),
    valid_until    TEXT CHECK (length(valid_until) = 10),
    coupons        INTEGER CHECK (coupons >= 0),
    used_long_ago  INTEGER NOT NULL DEFAULT 0 CHECK (used_long_ago >= 0),
    used_elsewhere INTEGER NOT NULL DEFAULT 0 CHECK (used_elsewhere >= 0),
    withdrawn      INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1))
) STRICT;
CREATE INDEX entitlements_by_person ON entitlements (person);

CREATE TABLE consent_texts (
    version  TEXT PRIMARY KEY,
    japanese TEXT NOT NULL,
    easy     TEXT NOT NULL,
    english  TEXT NOT NULL,
    digest   BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
    number   INTEGER PRIMARY KEY,
    person   INTEGER NOT NULL REFERENCES people (number),
    version  TEXT NOT NULL,
    digest   BLOB NOT NULL CHECK (length(digest) = 32),
    language TEXT NOT NULL CHECK (language IN ('japanese', 'easy', 'english')),
    given_by TEXT NOT NULL CHECK (given_by IN ('person', 'representative', 'guardian')),
    staff    BLOB CHECK (length(staff) = 16),
    wall_ms  INTEGER
) STRICT;
CREATE INDEX consents_by_person ON consents (person);
CREATE INDEX consents_by_version ON consents (version);

CREATE TABLE staff (
    number     INTEGER PRIMARY KEY,
    staff      BLOB NOT NULL UNIQUE CHECK (length(staff) = 16),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('reception', 'supervisor')),
    salt       BLOB CHECK (length(salt) = 16),
    hash       BLOB CHECK (length(hash) = 32),
    memory_kib INTEGER NOT NULL,
    passes     INTEGER NOT NULL,
    lanes      INTEGER NOT NULL,
    wrong      INTEGER NOT NULL DEFAULT 0,
    locks      INTEGER NOT NULL DEFAULT 0,
    lock_boot  BLOB CHECK (length(lock_boot) = 16),
    lock_until INTEGER,
    lock_ms    INTEGER,
    removed_ms INTEGER,
    removed    INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
    CHECK (removed = 1 OR (salt IS NOT NULL AND hash IS NOT NULL)),
    CHECK ((lock_boot IS NULL) = (lock_until IS NULL) AND (lock_boot IS NULL) = (lock_ms IS NULL))
) STRICT;

CREATE TABLE credentials (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    kind   TEXT NOT NULL CHECK (kind IN ('facility-card', 'qr', 'my-number-card')),
    person INTEGER REFERENCES people (number),
    staff  INTEGER REFERENCES staff (number),
    CHECK ((person IS NULL) <> (staff IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_person ON credentials (person) WHERE person IS NOT NULL;

CREATE TABLE facility_files (
    number  INTEGER PRIMARY KEY,
    text    TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    run     BLOB NOT NULL CHECK (length(run) = 16),
    seq     INTEGER NOT NULL,
    wall_ms INTEGER
) STRICT;

CREATE TABLE visits (
    number       INTEGER PRIMARY KEY,
    run          BLOB NOT NULL CHECK (length(run) = 16),
    seq          INTEGER NOT NULL,
    boot         BLOB NOT NULL CHECK (length(boot) = 16),
    wall_ms      INTEGER,
    uncertain_s  INTEGER NOT NULL,
    day          TEXT CHECK (length(day) = 10),
    minute       INTEGER CHECK (minute BETWEEN 0 AND 1439),
    day_sure     INTEGER NOT NULL CHECK (day_sure IN (0, 1)),
    mode         TEXT NOT NULL,
    way          TEXT NOT NULL CHECK (way IN ('face', 'facility-card', 'qr', 'my-number-card', 'staff')),
    outcome      TEXT NOT NULL,
    refusal      TEXT,
    person       INTEGER REFERENCES people (number),
    staff        BLOB CHECK (length(staff) = 16),
    reception_ms INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN (
        'refused', 'counter', 'waiting', 'released', 'entered', 'not-released', 'unused', 'unknown', 'corrected'
    )),
    corrects     INTEGER REFERENCES visits (number),
    corrected_by INTEGER REFERENCES visits (number),
    cut          INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1)),
    emptied      INTEGER NOT NULL DEFAULT 0 CHECK (emptied IN (0, 1)),
    UNIQUE (run, seq),
    CHECK ((day IS NULL) = (minute IS NULL))
) STRICT;
CREATE INDEX visits_by_day ON visits (day);
CREATE INDEX visits_by_person ON visits (person) WHERE person IS NOT NULL;

CREATE TABLE entrants (
    visit   INTEGER NOT NULL REFERENCES visits (number),
    place   INTEGER NOT NULL,
    person  INTEGER REFERENCES people (number),
    by_hand INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
    fee     TEXT,
    uses    INTEGER REFERENCES entitlements (number),
    stale   INTEGER NOT NULL CHECK (stale IN (0, 1)),
    again   INTEGER NOT NULL CHECK (again IN (0, 1)),
    gone    INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
    PRIMARY KEY (visit, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX entrants_by_person ON entrants (person) WHERE person IS NOT NULL;
CREATE INDEX entrants_by_use ON entrants (uses) WHERE uses IS NOT NULL;

CREATE TABLE mentions (
    person  INTEGER NOT NULL REFERENCES people (number),
    run     BLOB NOT NULL CHECK (length(run) = 16),
    seq     INTEGER NOT NULL,
    passing INTEGER NOT NULL CHECK (passing IN (0, 1)),
    wall_ms INTEGER,
    PRIMARY KEY (person, run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE accesses (
    number  INTEGER PRIMARY KEY,
    person  INTEGER NOT NULL REFERENCES people (number),
    staff   BLOB CHECK (length(staff) = 16),
    what    TEXT NOT NULL CHECK (what IN ('look-up', 'export')),
    why     TEXT NOT NULL,
    wall_ms INTEGER
) STRICT;
CREATE INDEX accesses_by_person ON accesses (person);

CREATE TABLE retained (
    run BLOB NOT NULL CHECK (length(run) = 16),
    seq INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
