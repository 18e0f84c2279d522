//! The worst case of the stack: on Thumb, the frames as the compiler recorded them, added up along the calls that the
//! disassembly shows.
//!
//! Nothing is guessed: a call whose target is not known, a recursion, and a frame of unknown size are errors.

mod others;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use object::Object as _;
use object::ObjectSection as _;
use object::ObjectSymbol as _;

/// A function in the disassembly.
#[derive(Default)]
struct Function {
    name: String,
    /// What it pushes and reserves.
    reserved: u64,
    /// The same, by instruction: one that the compiler has laid out twice, on two ways, stands here once.
    distinct: BTreeMap<String, u64>,
    calls: BTreeSet<u64>,
}

impl Function {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

/// One line of the disassembly.
struct Instruction<'a> {
    address: u64,
    name: &'a str,
    operands: &'a str,
}

/// The registers that hold a constant from the code.
type Registers<'a> = BTreeMap<&'a str, u32>;

/// The functions of a linked file, what each takes and what it calls.
pub(crate) struct Calls {
    functions: BTreeMap<u64, Function>,
    frames: BTreeMap<u64, u64>,
    lengths: BTreeMap<u64, u64>,
    names: Vec<(String, u64)>,
}

impl Calls {
    /// `disassembly` is that of `data`.
    pub(crate) fn read(data: &[u8], disassembly: &str) -> Result<Self> {
        let file = object::File::parse(data)?;
        let lengths = file
            .symbols()
            .map(|symbol| (symbol.address() & !1, symbol.size()));
        let lengths = lengths.filter(|(_, length)| *length > 0).collect();
        let functions = functions(disassembly, &lengths, |address| {
            bytes(&file, address).map(u32::from_le_bytes)
        })?;
        let frames = frames(&file, &functions)?;
        let names = file
            .symbols()
            .map(|symbol| Ok((symbol.name()?.to_owned(), symbol.address() & !1)))
            .collect::<Result<_>>()?;
        Ok(Self {
            functions,
            frames,
            lengths,
            names,
        })
    }

    /// The bytes of stack that each function whose name begins with `prefix` takes at most, with all that it calls.
    pub(crate) fn worst(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let mut known = BTreeMap::new();
        let mut found = BTreeMap::new();
        for (name, start) in &self.names {
            if let Some(name) = name.strip_prefix(prefix) {
                let depth = depth(*start, &self.functions, &self.frames, &mut known)?;
                found.insert(name.to_owned(), depth);
            }
        }
        Ok(found)
    }

    /// The name of the function at an address, and the bytes of stack that it takes at most.
    pub(crate) fn deepest(&self, start: u64) -> Result<(String, u64)> {
        let depth = depth(start, &self.functions, &self.frames, &mut BTreeMap::new())?;
        Ok((self.name(start)?, depth))
    }

    /// The bytes of code that can be reached from `starts`, but for those only reached through what `cut` names.
    pub(crate) fn reached(&self, starts: &[u64], cut: &str) -> Result<u64> {
        let mut seen = BTreeSet::new();
        let mut ahead = starts.to_vec();
        let mut is_cut = cut.is_empty();
        while let Some(start) = ahead.pop() {
            let function = self.functions.get(&start).context("no code there")?;
            if !cut.is_empty() && self.name(start)?.contains(cut) {
                is_cut = true;
                continue;
            }
            if seen.insert(start) {
                ahead.extend(&function.calls);
            }
        }
        ensure!(is_cut, "`{cut}` is not called from anywhere");
        let lengths = seen.iter().filter_map(|start| self.lengths.get(start));
        Ok(lengths.sum())
    }

    fn name(&self, start: u64) -> Result<String> {
        let function = self.functions.get(&start).context("no code there")?;
        Ok(format!("{:#}", rustc_demangle::demangle(&function.name)))
    }
}

/// The recorded frames. The compiler's own routines come without; for them it is what they push and reserve.
fn frames(
    file: &object::File<'_>,
    functions: &BTreeMap<u64, Function>,
) -> Result<BTreeMap<u64, u64>> {
    let recorded = recorded(file, 4)?.into_iter();
    let recorded: BTreeMap<_, _> = recorded.map(|(start, size)| (start & !1, size)).collect();
    let mut frames = BTreeMap::new();
    for (start, function) in functions {
        let frame = recorded.get(start).copied();
        let own = is_routine(&function.name);
        ensure!(
            own || frame.is_some(),
            "the frame of `{}` is not known",
            function.name
        );
        if let Some(frame) = frame {
            let distinct: u64 = function.distinct.values().sum();
            ensure!(
                frame == function.reserved || frame == distinct,
                "`{}` is said to take {frame} bytes, and takes {}",
                function.name,
                function.reserved
            );
        }
        frames.insert(*start, frame.unwrap_or(function.reserved));
    }
    Ok(frames)
}

/// Whether it is one of the compiler's own routines.
fn is_routine(name: &str) -> bool {
    if name.contains("compiler_builtins") || name.starts_with("__") {
        return true;
    }
    ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"].contains(&name)
}

/// The section: an address of `width` bytes and an unsigned LEB128 number for each function.
fn sizes(mut data: &[u8], width: usize) -> Result<BTreeMap<u64, u64>> {
    let mut sizes = BTreeMap::new();
    let cut = ".stack_sizes is cut short";
    while !data.is_empty() {
        let (address, rest) = data.split_at_checked(width).context(cut)?;
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(address);
        data = rest;
        let mut size = 0;
        for at in 0.. {
            let (byte, rest) = data.split_first().context(cut)?;
            data = rest;
            size |= u64::from(byte & 0x7F).checked_shl(7 * at).context(cut)?;
            if byte & 0x80 == 0 {
                break;
            }
        }
        sizes.insert(u64::from_le_bytes(bytes), size);
    }
    Ok(sizes)
}

/// What the compiler recorded.
fn recorded(file: &object::File<'_>, width: usize) -> Result<BTreeMap<u64, u64>> {
    let section = file.section_by_name(".stack_sizes");
    sizes(section.context("no .stack_sizes")?.data()?, width)
}

/// The bytes at an address.
fn bytes<const N: usize>(file: &object::File<'_>, address: u64) -> Option<[u8; N]> {
    let mut found = file.sections().filter_map(|section| {
        let data = section.data_range(address, N as u64).ok().flatten()?;
        data.try_into().ok()
    });
    found.next()
}

/// The functions by where they start. What the linker fills the gaps with is not read.
fn functions(
    disassembly: &str,
    lengths: &BTreeMap<u64, u64>,
    word: impl Fn(u64) -> Option<u32>,
) -> Result<BTreeMap<u64, Function>> {
    let starts: BTreeSet<u64> = disassembly
        .lines()
        .filter_map(head)
        .map(|it| it.0)
        .collect();
    let mut functions: BTreeMap<u64, Function> = BTreeMap::new();
    let mut registers = BTreeMap::new();
    for line in disassembly.lines() {
        if let Some((start, name)) = head(line) {
            registers.clear();
            functions.insert(start, Function::named(name));
            continue;
        }
        let (Some(instruction), Some(mut last)) = (instruction(line), functions.last_entry())
        else {
            continue;
        };
        let (start, function) = (*last.key(), last.get_mut());
        let length = lengths.get(&start).copied();
        if length.is_some_and(|length| instruction.address >= start + length) {
            continue;
        }
        let reserves = instruction.reserves(&registers)?;
        if reserves > 0 {
            let Instruction { name, operands, .. } = instruction;
            function
                .distinct
                .insert(format!("{name} {operands}"), reserves);
        }
        function.reserved += reserves;
        if let Some(target) = instruction.target(&registers)? {
            let is_inside = target > start && starts.range(start + 1..=target).next().is_none();
            // A jump to its own start is a loop.
            let is_loop = target == start && !instruction.name.starts_with("bl");
            if !is_inside && !is_loop {
                ensure!(
                    starts.contains(&target),
                    "`{}` jumps into the middle of something: {line}",
                    function.name
                );
                function.calls.insert(target);
            }
        }
        instruction.follow(&mut registers, &word);
    }
    Ok(functions)
}

/// `00021da0 <name>:`
fn head(line: &str) -> Option<(u64, &str)> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    Some((u64::from_str_radix(address, 16).ok()?, name))
}

fn instruction(line: &str) -> Option<Instruction<'_>> {
    let (address, text) = line.split_once(":")?;
    let address = u64::from_str_radix(address.trim(), 16).ok()?;
    let mut parts = text.split('\t').skip(1);
    let name = parts.next()?.trim();
    let name = name.strip_suffix(".w").unwrap_or(name);
    let operands = parts.next().unwrap_or_default();
    // Data between the code.
    (!name.starts_with('.')).then_some(Instruction {
        address,
        name,
        operands,
    })
}

impl<'a> Instruction<'a> {
    /// By how many bytes it moves the stack pointer down.
    fn reserves(&self, registers: &Registers<'_>) -> Result<u64> {
        let place = |text: &str| {
            let digits = text.trim_start_matches(['#', '-']).trim_start_matches("0x");
            u64::from_str_radix(digits, if text.contains("0x") { 16 } else { 10 })
        };
        let operands = self.operands.split('@').next().unwrap_or_default().trim();
        let count = || operands.split(',').count() as u64;
        match self.name {
            "push" => Ok(4 * count()),
            "stmdb" if operands.starts_with("sp!") => Ok(4 * (count() - 1)),
            "vpush" => Ok(8 * count()),
            name if name.starts_with("str") && operands.ends_with("]!") => {
                match operands.split_once("[sp, ") {
                    Some((_, by)) => Ok(place(by.trim_end_matches("]!"))?),
                    None => Ok(0),
                }
            }
            "sub" | "subw" if operands.starts_with("sp, ") => {
                let by = operands.rsplit(", ").next().unwrap_or_default();
                place(by).with_context(|| format!("a frame of no fixed size: sub {operands}"))
            }
            "add" if operands.starts_with("sp, r") => {
                let constant = operands
                    .strip_prefix("sp, ")
                    .and_then(|by| registers.get(by));
                let by = constant
                    .with_context(|| format!("a frame of no fixed size: add {operands}"))?;
                // Down, or up again.
                Ok(u64::from(by.cast_signed().min(0).unsigned_abs()))
            }
            _ => Ok(0),
        }
    }

    fn is_jump(&self) -> bool {
        let others = ["bic", "bfi", "bfc", "bkpt"];
        self.name.starts_with('b') && !others.iter().any(|it| self.name.starts_with(it))
    }

    /// Where it may go, other than to the next one.
    fn target(&self, registers: &Registers<'_>) -> Result<Option<u64>> {
        if !self.is_jump() {
            return Ok(None);
        }
        let operand = self.operands.split_whitespace().next().unwrap_or_default();
        if let Some(hex) = operand.strip_prefix("0x") {
            return Ok(Some(u64::from_str_radix(hex, 16)?));
        }
        if self.name.starts_with("bx") && operand == "lr" {
            return Ok(None);
        }
        let known = registers.get(operand).copied();
        let unknown = || format!("{:x}: {} {operand}", self.address, self.name);
        Ok(Some(u64::from(known.with_context(unknown)? & !1)))
    }

    /// Remembers which register holds a constant.
    fn follow(&self, registers: &mut Registers<'a>, word: impl Fn(u64) -> Option<u32>) {
        let reads = ["str", "cmp", "cmn", "tst", "push", "pop"];
        if self.is_jump() || reads.iter().any(|name| self.name.starts_with(name)) {
            return;
        }
        let mut operands = self.operands.split(',').map(str::trim);
        let written = operands.next().unwrap_or_default();
        let constant = || {
            let (_, place) = self.operands.split_once("@ 0x")?;
            let place = place.split_whitespace().next()?;
            word(u64::from_str_radix(place, 16).ok()?)
        };
        let loaded = match self.name {
            "ldr" => constant(),
            "mov" => operands
                .clone()
                .next()
                .and_then(|from| registers.get(from).copied()),
            _ => None,
        };
        match loaded {
            Some(constant) => registers.insert(written, constant),
            None => registers.remove(written),
        };
        // Those with two results.
        if self.name.starts_with("ldrd") || self.name.contains("ull") || self.name.contains("lal") {
            registers.remove(operands.next().unwrap_or_default());
        }
    }
}

/// The frame and the deepest of what it calls. `known` has what was added up; `None` there: it is being added up.
fn depth(
    start: u64,
    functions: &BTreeMap<u64, Function>,
    frames: &BTreeMap<u64, u64>,
    known: &mut BTreeMap<u64, Option<u64>>,
) -> Result<u64> {
    let function = functions.get(&start).context("a symbol without code")?;
    match known.insert(start, None) {
        Some(Some(depth)) => {
            known.insert(start, Some(depth));
            return Ok(depth);
        }
        Some(None) => bail!("`{}` calls itself", function.name),
        None => {}
    }
    let mut below = 0;
    for callee in &function.calls {
        let depth = depth(*callee, functions, frames, known);
        below = below.max(depth.with_context(|| function.name.clone())?);
    }
    let depth = below + frames.get(&start).copied().unwrap_or_default();
    known.insert(start, Some(depth));
    Ok(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
00000100 <outer>:
     100:      \tpush\t{r4, r7, lr}
     102:      \tsub\tsp, #0x14
     104:      \tldr\tr4, [pc, #0x8]         @ 0x110 <outer+0x10>
     106:      \tblx\tr4
     108:      \tbeq\t0x104 <outer+0x4> @ imm = #-0x8
     10a:      \tb.w\t0x200 <inner> @ imm = #0xf2
     10e:      \tbmi\t0xb8 <filling> @ imm = #-0x58
     110: 01 02 00 00  \t.word\t0x00000201

00000200 <inner>:
     200:      \tstr\tlr, [sp, #-0x8]!
     204:      \tsubw\tsp, sp, #0x404
     208:      \tbl\t0x300 <leaf> @ imm = #0xf6

00000300 <leaf>:
     300:      \tbx\tlr
";

    fn read(text: &str) -> Result<BTreeMap<u64, Function>> {
        let lengths = BTreeMap::from([(0x100, 0xE)]);
        functions(text, &lengths, |at| (at == 0x110).then_some(0x201))
    }

    fn deepest(functions: &BTreeMap<u64, Function>) -> Result<u64> {
        let frames = functions.iter().map(|(at, it)| (*at, it.reserved));
        depth(0x100, functions, &frames.collect(), &mut BTreeMap::new())
    }

    #[test]
    fn frames_add_up_along_calls() {
        let functions = read(TEXT).unwrap();
        let frames: Vec<_> = functions.values().map(|it| it.reserved).collect();
        assert_eq!(frames, [12 + 20, 8 + 0x404, 0]);
        assert_eq!(functions[&0x100].calls, [0x200].into());
        assert_eq!(functions[&0x200].calls, [0x300].into());
        assert_eq!(deepest(&functions).unwrap(), 32 + 8 + 0x404);
    }

    #[test]
    fn a_prologue_on_two_ways_is_one() {
        let twice = TEXT.replace(
            "     10a:",
            "     109:      \tpush\t{r4, r7, lr}\n     10a:",
        );
        let functions = read(&twice).unwrap();
        let outer = &functions[&0x100];
        assert_eq!(outer.reserved, 12 + 12 + 20);
        assert_eq!(outer.distinct.values().sum::<u64>(), 12 + 20);
    }

    #[test]
    fn jumps_are_told_from_what_begins_alike() {
        let jumps = |name| {
            instruction(&format!("  10: \t{name}\tr8, r8"))
                .unwrap()
                .is_jump()
        };
        assert!(
            ["b", "beq", "bics", "biceq", "bfi", "bxls"].map(jumps)
                == [true, true, false, false, false, true]
        );
    }

    #[test]
    fn what_cannot_be_added_up_is_an_error() {
        for (from, to) in [
            ("[pc, #0x8]         @ 0x110 <outer+0x10>", "[r0]"),
            ("\tsub\tsp, #0x14", "\tsub\tsp, sp, r0"),
            ("\tsub\tsp, #0x14", "\tadd\tsp, r6"),
            ("b.w\t0x200 <inner>", "b.w\t0x204 <inner+0x4>"),
        ] {
            assert!(read(&TEXT.replace(from, to)).is_err(), "{to}");
        }
        let recursion = TEXT.replace("bl\t0x300", "bl\t0x100");
        assert!(deepest(&read(&recursion).unwrap()).is_err());
        let to_itself = TEXT.replace("bl\t0x300", "bl\t0x200");
        assert!(deepest(&read(&to_itself).unwrap()).is_err());
    }

    #[test]
    fn recorded_frames_are_read() {
        let section = [1, 2, 0, 0, 0x88, 1, 1, 3, 0, 0, 0];
        let known = BTreeMap::from([(0x201, 136), (0x301, 0)]);
        assert_eq!(sizes(&section, 4).unwrap(), known);
        assert!(sizes(&section[..5], 4).is_err());
        assert!(sizes(&section[..8], 4).is_err());
        let wide = sizes(&[1, 0, 0, 0, 0, 0, 0, 0, 0x88, 1], 8).unwrap();
        assert_eq!(wide, BTreeMap::from([(1, 136)]));
    }
}
