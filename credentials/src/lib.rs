//! Signed credentials in QR codes: issued, read, verified. Values and functions, no I/O.
