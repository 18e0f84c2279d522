//! The last steps, for a person who asks why; numbers and names only, no secret ever (P13).

use core::fmt;

use crate::effect::Effect;
use crate::event::EventKind;
use crate::grant::Generation;
use crate::record::Corrupt;
use crate::state::State;
use crate::time::Instant;

/// Steps that a latch remembers.
pub const TRACE_CAPACITY: usize = 8;

/// Kinds of effect, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EffectSet(u16);

impl EffectSet {
    const NAMES: [&'static str; 12] = [
        "StateChanged",
        "Load",
        "Store",
        "Announce",
        "ReleaseLease",
        "AcquireLease",
        "SendTokenRequest",
        "Probe",
        "Revoke",
        "RequireLogin",
        "Refuse",
        "Release",
    ];

    const fn index(effect: &Effect) -> u8 {
        match effect {
            Effect::StateChanged { .. } => 0,
            Effect::Load { .. } => 1,
            Effect::Store { .. } => 2,
            Effect::Announce => 3,
            Effect::ReleaseLease { .. } => 4,
            Effect::AcquireLease { .. } => 5,
            Effect::SendTokenRequest { .. } => 6,
            Effect::Probe { .. } => 7,
            Effect::Revoke { .. } => 8,
            Effect::RequireLogin { .. } => 9,
            Effect::Refuse { .. } => 10,
            Effect::Release { .. } => 11,
        }
    }

    pub(crate) fn add(&mut self, effect: &Effect) {
        self.0 |= 1_u16.wrapping_shl(u32::from(Self::index(effect)));
    }

    /// The names of the kinds in the set, in the order in which effects are given out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let mut kinds = self.0;
        Self::NAMES.into_iter().filter(move |_| {
            let is_in = kinds & 1 == 1;
            kinds >>= 1;
            is_in
        })
    }

    /// A bit for each kind, in the order of the names.
    #[cfg(feature = "capi")]
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// Whether no effect was given out.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One step: an event, what it changed, and the effects that were polled after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Step {
    /// When.
    pub at: Instant,
    /// Generation afterwards.
    pub generation: Generation,
    /// Effects given out since.
    pub effects: EffectSet,
    /// The event.
    pub event: EventKind,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Generation { sign_in, serial } = self.generation;
        write!(
            f,
            "{:>10} ms  {:?}: {}",
            self.at.as_millis(),
            self.event,
            self.from
        )?;
        if self.from != self.to {
            write!(f, " -> {}", self.to)?;
        }
        write!(f, "  [{sign_in}.{serial}]")?;
        for name in self.effects.names() {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}

/// A step in 20 bytes: the time as bytes, so that no padding is needed.
#[derive(Debug, Clone, Copy)]
struct Packed {
    at: [u8; 8],
    generation: Generation,
    effects: EffectSet,
    event: EventKind,
    /// Before and after, as a number of two digits.
    states: u8,
}

impl Packed {
    fn unpack(&self) -> Step {
        Step {
            at: Instant::from_millis(u64::from_le_bytes(self.at)),
            generation: self.generation,
            effects: self.effects,
            event: self.event,
            from: state(self.states.wrapping_div(STATES)),
            to: state(self.states.wrapping_rem(STATES)),
        }
    }
}

/// The base of the digits for states.
const STATES: u8 = 5;

const fn state(index: u8) -> State {
    match index {
        0 => State::Unauthenticated,
        1 => State::Pending,
        2 => State::Ready,
        3 => State::Refreshing,
        _ => State::Expired,
    }
}

/// The ring of steps.
#[derive(Debug)]
pub(crate) struct Trace {
    steps: [Option<Packed>; TRACE_CAPACITY],
    /// What was wrong with the bytes that the last load found: here, where a byte is free.
    pub(crate) corrupt: Option<Corrupt>,
    /// Where the next one goes: the oldest stands there.
    next: u8,
}

impl Trace {
    pub(crate) const fn new() -> Self {
        Self {
            steps: [None; TRACE_CAPACITY],
            corrupt: None,
            next: 0,
        }
    }
    pub(crate) fn push(
        &mut self,
        at: u64,
        generation: Generation,
        event: EventKind,
        states: (State, State),
    ) {
        let (from, to) = (states.0 as u8, states.1 as u8);
        let step = Packed {
            at: at.to_le_bytes(),
            generation,
            effects: EffectSet::default(),
            event,
            states: from.wrapping_mul(STATES).wrapping_add(to),
        };
        let next = self.next & LAST;
        if let Some(place) = self.steps.get_mut(usize::from(next)) {
            *place = Some(step);
        }
        self.next = next.wrapping_add(1);
    }

    pub(crate) fn note(&mut self, effect: &Effect) {
        let newest = self.next.wrapping_sub(1) & LAST;
        if let Some(Some(step)) = self.steps.get_mut(usize::from(newest)) {
            step.effects.add(effect);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Step> {
        (0..=LAST).filter_map(|age| {
            let index = self.next.wrapping_add(age) & LAST;
            Some(self.steps.get(usize::from(index))?.as_ref()?.unpack())
        })
    }
}

/// The last index of the ring, and a mask for indices.
const LAST: u8 = 7;

const _: () = assert!(TRACE_CAPACITY == 8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::GrantType;
    use crate::event::Ticket;
    use crate::waiters::Waiter;
    use crate::why::Cause;

    #[test]
    fn each_effect_has_its_own_name_in_the_set() {
        let (ticket, waiter, cause) = (Ticket(1), Waiter::from_u32(1), Cause::SignedOut);
        let grant_type = GrantType::Login;
        let state = State::Ready;
        let effects = [
            Effect::StateChanged { state },
            Effect::Load { ticket },
            Effect::Store { ticket },
            Effect::Announce,
            Effect::ReleaseLease { ticket },
            Effect::AcquireLease { ticket },
            Effect::SendTokenRequest { ticket, grant_type },
            Effect::Probe { ticket },
            Effect::Revoke { ticket },
            Effect::RequireLogin { cause },
            Effect::Refuse { waiter, cause },
            Effect::Release { waiter },
        ];
        let mut all = EffectSet::default();
        for (effect, name) in effects.iter().zip(EffectSet::NAMES) {
            let mut set = EffectSet::default();
            assert!(set.is_empty());
            for _ in 0..2 {
                set.add(effect);
                assert!(set.names().eq([name]));
            }
            assert!(!set.is_empty());
            all.add(effect);
        }
        assert!(all.names().eq(EffectSet::NAMES));
    }

    #[test]
    fn a_step_is_unpacked_as_it_was_packed() {
        let states = [
            State::Unauthenticated,
            State::Pending,
            State::Ready,
            State::Refreshing,
            State::Expired,
        ];
        for from in states {
            for to in states {
                let mut trace = Trace::new();
                let at = 0x0102_0304_0506_0708;
                trace.push(at, Generation::new(3, 4), EventKind::Opened, (from, to));
                trace.note(&Effect::Announce);
                let step = trace.iter().last();
                assert_eq!(step.map(|step| step.at.as_millis()), Some(at));
                assert_eq!(step.map(|step| (step.from, step.to)), Some((from, to)));
                assert_eq!(
                    step.map(|step| step.generation),
                    Some(Generation::new(3, 4))
                );
                assert_eq!(step.map(|step| step.effects.0), Some(1 << 3));
            }
        }
    }
}
