-- The ledger: runs, records, facilities, devices, and what is closed under the key port's keys.

-- How many transactions wrote; writers queue at this table, readers see by it that there is something new.
CREATE TABLE changes (id NUMBER PRIMARY KEY, count NUMBER NOT NULL);
INSERT INTO changes (id, count) VALUES (1, 0);
-- What is true of the whole registry, by name.
CREATE TABLE facts (name TEXT PRIMARY KEY, value NUMBER NOT NULL);

-- A run as it is held; `line` is the ledger's own form of it, `changed` the count of the transaction that wrote it last.
CREATE TABLE lines (
    run BYTES PRIMARY KEY, author BYTES NOT NULL, feed TEXT NOT NULL, length NUMBER NOT NULL, root BYTES NOT NULL,
    line BYTES NOT NULL, changed NUMBER NOT NULL
);
CREATE INDEX lines_changed ON lines (changed);
CREATE TABLE records (run BYTES NOT NULL, seq NUMBER NOT NULL, record BYTES NOT NULL, sig BYTES, PRIMARY KEY (run, seq));

CREATE TABLE facilities (grp BYTES PRIMARY KEY, name TEXT NOT NULL UNIQUE, added_ms NUMBER NOT NULL);
-- Secrets under the facility's newest R_kek: G/epoch, K/epoch, P/key, V/voucher.
CREATE TABLE secrets (grp BYTES NOT NULL, name TEXT NOT NULL, kek NUMBER NOT NULL, sealed BYTES NOT NULL, PRIMARY KEY (grp, name));

-- Epochs issued, and every wrap key that each was wrapped to.
CREATE TABLE epochs (grp BYTES NOT NULL, epoch NUMBER NOT NULL, run BYTES NOT NULL, began_ms NUMBER NOT NULL, PRIMARY KEY (grp, epoch));
CREATE TABLE wrapped (
    grp BYTES NOT NULL, epoch NUMBER NOT NULL, device BYTES NOT NULL, generation NUMBER NOT NULL, wrap BYTES NOT NULL,
    PRIMARY KEY (grp, epoch, device, wrap)
);

-- `opened`: the highest epoch that the device ever said it opened; `says`: the one of its last head.
CREATE TABLE devices (
    device BYTES PRIMARY KEY, grp BYTES NOT NULL, name TEXT NOT NULL, wrap BYTES NOT NULL, wrap_key BYTES NOT NULL,
    joined_ms NUMBER NOT NULL, expelled_ms NUMBER, opened NUMBER NOT NULL, says NUMBER, seen_ms NUMBER
);
CREATE TABLE vouchers (voucher BYTES PRIMARY KEY, grp BYTES NOT NULL, name TEXT NOT NULL, until_ms NUMBER NOT NULL, used_by BYTES);

-- Who is known to the ledger: the pairwise id, the key that closes what is said, the version said last.
CREATE TABLE persons (grp BYTES NOT NULL, person BYTES NOT NULL, key BYTES NOT NULL UNIQUE, version NUMBER NOT NULL, PRIMARY KEY (grp, person));
-- Keys destroyed, the epoch in which that was, and whether nobody can know them any more.
CREATE TABLE killed (key BYTES PRIMARY KEY, grp BYTES NOT NULL, person BYTES, epoch NUMBER NOT NULL, killed_ms NUMBER NOT NULL, complete NUMBER NOT NULL);
-- Which device has said that it destroyed which key.
CREATE TABLE erased (key BYTES NOT NULL, device BYTES NOT NULL, PRIMARY KEY (key, device));
