//! What records of people say: one codec for the registry, which states them, and the kiosk, which reads them.
