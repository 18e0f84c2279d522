//! `defmt::Format` where it can't be derived: a frame shows what `Debug` shows, and no secret (P13).

use defmt::Debug2Format;
use defmt::Format;
use defmt::Formatter;
use defmt::write;

use crate::challenge::Challenge;
use crate::challenge::ParamValue;
use crate::event::Event;
use crate::grant::Grant;
use crate::latch::Latch;
use crate::permit::Permit;
use crate::promises::Checked;

impl Format for Event<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", self.kind());
    }
}

impl Format for Grant<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Grant {{ expiry: {}, .. }}", self.expiry);
    }
}

impl Format for Permit<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Permit {{ receipt: {}, .. }}", self.receipt());
    }
}

impl Format for ParamValue<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", Debug2Format(self));
    }
}

impl Format for Challenge<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", Debug2Format(self));
    }
}

impl<const T: usize, const W: usize> Format for Latch<T, W> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "Latch {{ state: {}, generation: {}, waiting: {=usize}, .. }}",
            self.state(),
            self.generation(),
            self.waiting()
        );
    }
}

impl<const T: usize, const W: usize> Format for Checked<T, W> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", self.latch());
    }
}

#[cfg(feature = "embassy-sync")]
mod gate {
    use defmt::Format;
    use defmt::Formatter;
    use defmt::write;
    use embassy_sync::blocking_mutex::raw::RawMutex;

    use crate::gate::Gate;
    use crate::gate::Request;
    use crate::gate::Runner;
    use crate::gate::TokenRequest;
    use crate::gate::Watch;
    use crate::time::Now;

    impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Format for Gate<M, T, W, C> {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "Gate {{ status: {}, .. }}", self.status());
        }
    }

    impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Format
        for Request<'_, M, T, W, C>
    {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "Request {{ receipt: {}, .. }}", self.receipt());
        }
    }

    impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Format
        for Runner<'_, M, T, W, C>
    {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "Runner");
        }
    }

    impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Format for Watch<'_, M, T, W, C> {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "Watch");
        }
    }

    impl Format for TokenRequest<'_> {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "TokenRequest {{ grant_type: {}, .. }}", self.grant_type);
        }
    }
}

/// Recordings are read on a computer: their text is good enough.
#[cfg(feature = "recording")]
mod recording {
    use defmt::Debug2Format;
    use defmt::Format;
    use defmt::Formatter;
    use defmt::write;

    use crate::recording::Difference;
    use crate::recording::Entries;
    use crate::recording::Entry;
    use crate::recording::Fact;
    use crate::recording::Key;
    use crate::recording::Recorded;
    use crate::recording::Recorder;
    use crate::recording::Recording;
    use crate::recording::Replay;
    use crate::recording::ReplayError;

    macro_rules! as_debug {
        ($([$($of:tt)*] $name:ty;)*) => {$(
            impl<$($of)*> Format for $name {
                fn format(&self, f: Formatter<'_>) {
                    write!(f, "{}", Debug2Format(self));
                }
            }
        )*};
    }

    as_debug! {
        [] Difference;
        [] Entries<'_>;
        [] Entry;
        [] Fact;
        [] Key;
        [const T: usize, const W: usize] Recorded<'_, T, W>;
        [] Recorder<'_>;
        [] Recording<'_>;
        [const T: usize, const W: usize] Replay<'_, T, W>;
        [] ReplayError;
    }
}
