//! Recordings: any bytes are one or are not, and what was recorded gives the same effects again.

#[path = "ops.rs"]
pub(crate) mod ops;

use std::collections::BTreeSet;

use ops::Context;
use ops::TOKEN;
use ops::WAITERS;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Step;
use tokenlatch::Waiter;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::Recording;
use tokenlatch::recording::Replay;
use tokenlatch::recording::ReplayError;
use tokenlatch::recording::scratch_capacity;

/// Another capacity, on which the same recording must give the same.
const LARGER: usize = 1_000;
/// Room for each context; a context that is told more is recorded in part.
const ROOM: usize = 16 * 1_024;
/// Contexts, the ones after a crash included.
const CONTEXTS: usize = 16;

/// What was checked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) recordings: usize,
    pub(crate) calls: usize,
    pub(crate) effects: usize,
    pub(crate) permits: usize,
    pub(crate) bytes: usize,
    pub(crate) cut: usize,
}

/// The property. Bytes that begin as a recording are read as one, others are a list of operations to be recorded.
pub(crate) fn check(data: &[u8]) {
    if data.starts_with(b"TLR") {
        read(data);
    } else {
        record(data, ROOM);
    }
}

/// Any bytes: nothing panics, and what differs is said.
pub(crate) fn read(bytes: &[u8]) {
    let Ok(recording) = Recording::read(bytes) else {
        return;
    };
    let mut scratch = [0; scratch_capacity(TOKEN)];
    let mut entries = 0;
    for entry in recording.entries() {
        entries += 1;
        if let Ok(Entry::Told { fact, outcome, .. }) = entry {
            assert!(fact.event(TOKEN, &mut scratch).is_some());
            assert!(fact.event_for(outcome, TOKEN, &mut scratch).is_some());
            let event = fact.event(TOKEN, &mut scratch);
            assert_eq!(event.map(|event| event.kind()), Some(fact.kind()));
            // Too little room is said, and nothing else.
            let _ = fact.event(TOKEN, &mut []);
        }
    }
    assert!(entries <= bytes.len(), "an entry of no bytes");
    let Ok(mut replay) = Replay::<TOKEN, WAITERS>::new(&recording) else {
        return;
    };
    while let Some(step) = replay.step(&mut scratch) {
        assert_ne!(step, Err(ReplayError::ScratchTooSmall));
    }
}

/// Operations, recorded: the replay of each context gives the same, on a larger latch too.
pub(crate) fn record(data: &[u8], room: usize) -> Counts {
    let mut memory = vec![0; CONTEXTS * room];
    let mut tapes = Tapes {
        unused: memory.chunks_mut(room).collect(),
        running: [None, None],
        ended: Vec::new(),
        secrets: BTreeSet::new(),
    };
    ops::check(data, &mut tapes);
    let [first, second] = tapes.running;
    tapes.ended.extend(first);
    tapes.ended.extend(second);
    let mut counts = Counts::default();
    for tape in &tapes.ended {
        let bytes = tape.recorder.bytes();
        counts.recordings += 1;
        counts.bytes += bytes.len();
        counts.cut += usize::from(tape.recorder.is_full());
        for secret in &tapes.secrets {
            let found = bytes.windows(secret.len()).any(|part| part == &**secret);
            assert!(!found, "a secret is in the recording");
        }
        let end = (!tape.recorder.is_full()).then_some(&tape.last);
        replay::<TOKEN>(bytes, end, &mut counts);
        if counts.recordings == 1 {
            replay::<LARGER>(bytes, end, &mut Counts::default());
        }
    }
    counts
}

fn replay<const T: usize>(bytes: &[u8], end: Option<&Vec<Step>>, counts: &mut Counts) {
    let recording = Recording::read(bytes).expect("a recording");
    let mut replay = Replay::<T, WAITERS>::new(&recording).expect("the same latch");
    let mut scratch = vec![0; scratch_capacity(T)];
    while let Some(step) = replay.step(&mut scratch) {
        match step {
            Ok(Entry::Told { .. }) => counts.calls += 1,
            Ok(Entry::Given(_)) => counts.effects += 1,
            Ok(Entry::Claimed { .. }) => counts.permits += 1,
            Ok(_) => {}
            Err(error) => panic!("{error}: {error:?}"),
        }
    }
    if let Some(end) = end {
        let last: Vec<_> = replay.latch().trace().collect();
        assert_eq!(&last, end, "the last steps of both latches");
    }
}

struct Tape<'b> {
    recorder: Recorder<'b>,
    /// The last steps of the latch, as it remembers them.
    last: Vec<Step>,
}

struct Tapes<'b> {
    unused: Vec<&'b mut [u8]>,
    running: [Option<Tape<'b>>; 2],
    ended: Vec<Tape<'b>>,
    /// Everything that may not be found in a recording.
    secrets: BTreeSet<Vec<u8>>,
}

impl Tapes<'_> {
    fn with(&mut self, who: usize, latch: &Context, note: impl FnOnce(&mut Recorder<'_>)) {
        if let Some(tape) = &mut self.running[who] {
            note(&mut tape.recorder);
            tape.last = latch.latch().trace().collect();
        }
    }
}

impl ops::Watch for Tapes<'_> {
    fn started(&mut self, who: usize, latch: &Context) {
        let ended = self.running[who].take();
        self.ended.extend(ended);
        let Some(buffer) = self.unused.pop() else {
            return;
        };
        let recorder = Recorder::for_checked(latch, Key::new([who as u8; 16]), buffer);
        self.running[who] = Some(Tape {
            recorder: recorder.expect("a new latch, and room"),
            last: Vec::new(),
        });
    }

    fn told(
        &mut self,
        who: usize,
        latch: &Context,
        (now, event): (Now, &Event<'_>),
        outcome: Result<Outcome, Rejected>,
    ) {
        if let Event::Granted { grant, .. } = event {
            let texts = [Some(grant.access_token), grant.refresh_token, grant.subject];
            let texts = texts.into_iter().flatten();
            self.secrets
                .extend(texts.map(|text| text.as_bytes().to_vec()));
        }
        self.with(who, latch, |recorder| {
            recorder.told(latch.latch(), now, event, outcome);
        });
    }

    fn given(&mut self, who: usize, latch: &Context, effect: Effect) {
        self.with(who, latch, |recorder| recorder.given(effect));
    }

    fn claimed(
        &mut self,
        who: usize,
        latch: &Context,
        (now, waiter): (Now, Waiter),
        receipt: Result<Receipt, PermitError>,
    ) {
        self.with(who, latch, |recorder| {
            recorder.claimed(latch.latch(), now, waiter, receipt);
        });
    }
}
