//! Cards in software, for tests: command table, states and tries of the cards that people show.
