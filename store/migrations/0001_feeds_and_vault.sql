-- The first schema. What each table is for is told in src/schema.rs. A landed file is never edited: later changes are
-- later files.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    name   TEXT PRIMARY KEY CHECK (name IN ('author', 'group')),
    id     BLOB NOT NULL CHECK (length(id) = 16),
    epoch  INTEGER NOT NULL,
    secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number       INTEGER PRIMARY KEY,
    run          BLOB NOT NULL UNIQUE CHECK (length(run) = 16),
    length       INTEGER NOT NULL CHECK (length > 0),
    root         BLOB NOT NULL CHECK (length(root) = 32),
    continued_by INTEGER REFERENCES runs (number)
) STRICT;

CREATE TABLE records (
    run   INTEGER NOT NULL REFERENCES runs (number),
    seq   INTEGER NOT NULL CHECK (seq >= 0),
    bytes BLOB NOT NULL,
    leaf  BLOB NOT NULL CHECK (length(leaf) = 32),
    sig   BLOB NOT NULL CHECK (length(sig) = 64),
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE open_grants (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (run, seq),
    FOREIGN KEY (run, seq) REFERENCES records (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    number      INTEGER PRIMARY KEY,
    person      BLOB NOT NULL UNIQUE CHECK (length(person) = 16),
    standing    TEXT NOT NULL CHECK (standing IN ('active', 'revoked')),
    name        TEXT NOT NULL,
    key_id      BLOB NOT NULL UNIQUE CHECK (length(key_id) = 16),
    key         BLOB NOT NULL CHECK (length(key) = 32),
    replaced_by INTEGER REFERENCES people (number)
) STRICT;

CREATE TABLE reference_templates (
    number INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES people (number),
    model  TEXT NOT NULL,
    vector BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 4 = 0)
) STRICT;

CREATE INDEX reference_templates_by_person ON reference_templates (person);
