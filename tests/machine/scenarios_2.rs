//! Scenarios 61 to 118, each a transcript named after the behaviour.
