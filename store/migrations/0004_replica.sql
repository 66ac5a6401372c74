-- What others said, and what this device is to them. What each table is for is told in src/schema.rs.

ALTER TABLE runs ADD COLUMN feed TEXT NOT NULL DEFAULT 'device/bulk' CHECK (feed IN ('device/bulk', 'device/urgent'));

CREATE TABLE lines (
    number INTEGER PRIMARY KEY,
    run    BLOB NOT NULL UNIQUE CHECK (length(run) = 16),
    author BLOB NOT NULL CHECK (length(author) = 32),
    feed   TEXT NOT NULL,
    length INTEGER NOT NULL CHECK (length > 0),
    line   BLOB
) STRICT;

CREATE TABLE line_records (
    line  INTEGER NOT NULL REFERENCES lines (number),
    seq   INTEGER NOT NULL CHECK (seq >= 0),
    bytes BLOB NOT NULL CHECK (length(bytes) > 0),
    sig   BLOB CHECK (length(sig) = 64),
    PRIMARY KEY (line, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    facility BLOB NOT NULL CHECK (length(facility) = 16)
) STRICT;

CREATE TABLE chain (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE person_keys (
    key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16),
    key    BLOB NOT NULL CHECK (length(key) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
    key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16)
) STRICT, WITHOUT ROWID;

CREATE TABLE followed (
    kind    TEXT NOT NULL CHECK (kind IN ('Person', 'Household', 'Entitlement', 'Finding')),
    name    BLOB NOT NULL CHECK (length(name) = 16),
    said    BLOB NOT NULL CHECK (length(said) = 32),
    content BLOB CHECK (length(content) = 32),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE freshness (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    running_ms  INTEGER NOT NULL CHECK (running_ms >= 0),
    answered_ms INTEGER CHECK (answered_ms >= 0)
) STRICT;

CREATE TABLE receipts (
    run    BLOB PRIMARY KEY CHECK (length(run) = 16),
    length INTEGER NOT NULL CHECK (length > 0)
) STRICT, WITHOUT ROWID;
