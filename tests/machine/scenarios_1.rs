//! Scenarios 1 to 60, each a transcript named after the behaviour.
