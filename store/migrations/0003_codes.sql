-- What the registry says of codes (its control feed), and which codes were used.

CREATE TABLE registry (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    tenant TEXT NOT NULL,
    author BLOB NOT NULL CHECK (length(author) = 32)
) STRICT;

CREATE TABLE control_pages (
    number INTEGER PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE used_codes (
    code    BLOB PRIMARY KEY CHECK (length(code) = 16),
    until_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_codes_by_end ON used_codes (until_s);
