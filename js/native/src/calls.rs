//! Calls of the core: a number for each trace, over everything that came back.
//!
//! A line is a call: `n` begins a trace, `c key value`, `s low high`, `h kind monotonic wall id a b c bytes`,
//! `g monotonic wall waiter`, `r what ticket`. After each `h` and `g` the orders are drained.

use std::io;
use std::io::BufRead;
use std::io::Write;

use tokenlatch::wasm::Arguments;

use crate::unhex;

/// As in `js/core`.
type Context = tokenlatch::wasm::Context<8192, 128>;

struct Trace {
    context: Box<Context>,
    buffer: Vec<u8>,
    out: [f64; 2],
    digest: Digest,
}

impl Trace {
    fn new() -> Self {
        Self {
            context: Box::default(),
            buffer: vec![0; Context::BUFFER],
            out: [0.0; 2],
            digest: Digest::new(),
        }
    }

    fn drain(&mut self) {
        loop {
            let kind = self.context.poll(&mut self.out);
            self.digest.number(f64::from(kind));
            if kind == 0 {
                break;
            }
            self.digest.number(self.out[0]);
            self.digest.number(self.out[1]);
        }
        self.digest.number(self.context.timeout());
    }

    /// What a call gave, and the bytes that it left in the buffer.
    fn came(&mut self, result: i32) {
        self.digest.number(f64::from(result));
        let length = usize::try_from(result).unwrap_or(0);
        for byte in self.buffer.iter().take(length) {
            self.digest.word(u32::from(*byte));
        }
    }

    fn call(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let name = words.next()?;
        let rest: Vec<&str> = words.collect();
        let number = |place: usize| rest.get(place)?.parse::<f64>().ok();
        let small = |place: usize| rest.get(place)?.parse::<u32>().ok();
        match name {
            "c" => {
                let result = self.context.configure(small(0)?, small(1)?);
                self.digest.number(f64::from(result));
            }
            "s" => {
                let result = self.context.start(small(0)?, small(1)?);
                self.digest.number(f64::from(result));
            }
            "h" => {
                let bytes = unhex(rest.get(7)?);
                self.buffer.fill(0);
                self.buffer
                    .iter_mut()
                    .zip(&bytes)
                    .for_each(|(to, from)| *to = *from);
                let told = Arguments {
                    kind: small(0)?,
                    monotonic: number(1)?,
                    wall: number(2)?,
                    id: number(3)?,
                    a: number(4)?,
                    b: number(5)?,
                    c: number(6)?,
                };
                let result = self.context.handle(told, &self.buffer, &mut self.out[0]);
                self.digest.number(f64::from(result));
                if result == 3 {
                    self.digest.number(self.out[0]);
                }
                self.buffer.fill(0);
                self.drain();
            }
            "g" => {
                let waiter = small(2)?;
                let result = self.context.permit(
                    number(0)?,
                    number(1)?,
                    waiter,
                    &mut self.buffer,
                    &mut self.out,
                );
                self.came(result);
                if result >= 0 {
                    self.digest.number(self.out[0]);
                    self.digest.number(self.out[1]);
                }
                self.buffer.fill(0);
                self.drain();
            }
            "r" => {
                let result = self.context.read(small(0)?, small(1)?, &mut self.buffer);
                self.came(result);
                self.buffer.fill(0);
            }
            _ => return None,
        }
        Some(())
    }
}

pub(crate) fn run(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut trace: Option<Trace> = None;
    for line in input.lines() {
        let line = line?;
        if line == "n" {
            if let Some(trace) = trace.take() {
                writeln!(output, "{}", trace.digest.finish())?;
            }
            trace = Some(Trace::new());
            continue;
        }
        let told = trace.as_mut().and_then(|trace| trace.call(&line));
        told.ok_or_else(|| io::Error::other(format!("no such call: {line}")))?;
    }
    if let Some(trace) = trace {
        writeln!(output, "{}", trace.digest.finish())?;
    }
    output.flush()
}

/// Two lanes of 32 bits, as easily computed in JavaScript.
struct Digest {
    low: u32,
    high: u32,
}

impl Digest {
    const fn new() -> Self {
        Self {
            low: 0x811c_9dc5,
            high: 0x9e37_79b9,
        }
    }

    const fn word(&mut self, word: u32) {
        self.low = (self.low ^ word).wrapping_mul(0x0100_0193);
        self.high = (self.high.rotate_left(5) ^ word).wrapping_mul(0x85eb_ca6b);
    }

    /// The two halves of the double as it is stored.
    fn number(&mut self, number: f64) {
        let bits = number.to_bits();
        self.word((bits & 0xffff_ffff) as u32);
        self.word((bits >> 32) as u32);
    }

    fn finish(&self) -> String {
        format!("{:08x}{:08x}", self.high, self.low)
    }
}
