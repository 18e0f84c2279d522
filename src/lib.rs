#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(not(feature = "capi"), forbid(unsafe_code))]

mod bytes;
#[cfg(feature = "capi")]
#[expect(unsafe_code, reason = "memory of C's")]
pub mod capi;
mod cbor;
mod challenge;
mod config;
mod decimal;
mod effect;
mod error;
mod event;
#[cfg(feature = "defmt")]
mod formats;
#[cfg(feature = "embassy-sync")]
pub mod gate;
mod grant;
mod idle;
mod latch;
mod lease;
mod machine;
#[cfg(any(feature = "capi", feature = "wasm"))]
pub mod numbers;
mod permit;
mod probe;
pub mod promises;
mod record;
#[cfg(feature = "recording")]
pub mod recording;
mod refresh;
mod renewal;
mod requests;
#[cfg(feature = "json")]
pub mod response;
mod retry_after;
mod session;
mod sign_in;
mod state;
mod sync;
mod time;
mod trace;
mod transition;
#[cfg(feature = "_verify")]
#[doc(hidden)]
pub mod verify;
mod waiters;
#[cfg(feature = "wasm")]
pub mod wasm;
mod why;

pub use challenge::Challenge;
pub use challenge::ChallengeKind;
pub use challenge::ParamValue;
pub use config::Config;
pub use config::ConfigError;
pub use config::Confirmation;
pub use config::Credential;
pub use config::ExpiryForm;
pub use config::LeaseMode;
pub use config::Renewal;
pub use config::ResponseShape;
pub use config::ValidConfig;
pub use config::Waiting;
pub use effect::Effect;
pub use effect::GrantType;
pub use effect::Outcome;
pub use error::PermitError;
pub use error::RecordError;
pub use error::Rejected;
pub use event::Access;
pub use event::Event;
pub use event::EventKind;
pub use event::ProbeResult;
pub use event::Ticket;
pub use grant::Expiry;
pub use grant::Generation;
pub use grant::Grant;
pub use grant::GrantError;
pub use grant::TokenType;
pub use latch::Latch;
pub use permit::Permit;
pub use record::Corrupt;
pub use record::StoreContent;
pub use record::inspect;
pub use renewal::TokenFailure;
pub use retry_after::http_date;
pub use retry_after::retry_after;
pub use state::State;
pub use time::Instant;
pub use time::Now;
pub use trace::EffectSet;
pub use trace::Step;
pub use trace::TRACE_CAPACITY;
pub use waiters::Receipt;
pub use waiters::Waiter;
pub use why::Cause;
