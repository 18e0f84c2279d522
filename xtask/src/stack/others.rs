//! The same on RISC-V, x86-64 and WebAssembly.
//!
//! A jump through a register is a `switch`: there is no call through one, which would be an error, so there is none in
//! the place of a last call either. On WebAssembly the stack is the one in memory, where what has an address lies.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use object::Object as _;
use object::ObjectSymbol as _;

use super::Calls;
use super::Function;
use super::bytes;
use super::head;
use super::instruction;
use super::is_routine;
use super::recorded;

/// What a call pushes on x86-64, and what an instruction may push for the next one to pop.
const WORD: u64 = 8;

/// Addresses in registers: from the global offset table, or the upper part of one.
type Registers<'a> = BTreeMap<&'a str, u64>;

impl Calls {
    /// `disassembly` is that of `data`, for RISC-V or x86-64.
    pub(crate) fn read_other(data: &[u8], disassembly: &str) -> Result<Self> {
        let file = object::File::parse(data)?;
        let is_x86 = file.architecture() == object::Architecture::X86_64;
        let width = if is_x86 { 8 } else { 4 };
        let recorded = recorded(&file, width)?;
        let starts = disassembly.lines().filter_map(head).map(|it| it.0);
        let starts: BTreeSet<u64> = starts.collect();
        let mut functions: BTreeMap<u64, Function> = BTreeMap::new();
        let mut registers = Registers::new();
        for line in disassembly.lines() {
            if let Some((start, name)) = head(line) {
                registers.clear();
                functions.insert(start, Function::named(name));
                continue;
            }
            let (Some(at), Some(mut last)) = (instruction(line), functions.last_entry()) else {
                continue;
            };
            let (start, function) = (*last.key(), last.get_mut());
            let operands = at.operands.trim();
            let (target, reserved) = if is_x86 {
                let word = |address| bytes(&file, address).map(u64::from_le_bytes);
                (
                    x86(at.name, operands, &mut registers, word)?,
                    pushes(at.name, operands)?,
                )
            } else {
                let target = riscv(at.address, at.name, operands, &mut registers)?;
                (target, moves_down(at.name, operands)?)
            };
            function.reserved += reserved;
            let Some(target) = target else { continue };
            let end = starts.range(start + 1..).next().copied();
            let is_inside = target > start && end.is_none_or(|end| target < end);
            let is_call = at.name.starts_with("call") || at.name.starts_with("jal");
            if !is_inside && (is_call || target != start) {
                ensure!(
                    starts.contains(&target),
                    "`{}` jumps into the middle of something: {line}",
                    function.name
                );
                function.calls.insert(target);
            }
        }
        let mut frames = BTreeMap::new();
        for (start, function) in &functions {
            let frame = match recorded.get(start) {
                Some(frame) => *frame,
                None => {
                    let name = &function.name;
                    ensure!(is_routine(name), "the frame of `{name}` is not known");
                    function.reserved
                }
            };
            let more = if is_x86 { 2 * WORD } else { 0 };
            frames.insert(*start, frame + more);
        }
        let names = file.symbols();
        let names = names.map(|symbol| Ok((symbol.name()?.to_owned(), symbol.address())));
        let lengths = file
            .symbols()
            .map(|symbol| (symbol.address(), symbol.size()));
        Ok(Self {
            names: names.collect::<Result<_>>()?,
            lengths: lengths.collect(),
            functions,
            frames,
        })
    }

    /// The functions of a module by their numbers, from its disassembly and its list of exports: one that does the same
    /// as another one is that other one.
    pub(crate) fn read_wasm(disassembly: &str, exports: &str) -> Result<Self> {
        let mut functions = BTreeMap::new();
        let mut before = ["", ""].map(str::to_owned);
        let heads = |line| head(line).filter(|(_, name)| *name != "CODE");
        for line in disassembly.lines() {
            if let Some((_, name)) = heads(line) {
                let number = functions.len() as u64;
                functions.insert(number, Function::named(name));
                continue;
            }
            let (Some(at), Some(mut last)) = (instruction(line), functions.last_entry()) else {
                continue;
            };
            let function = last.get_mut();
            let operand = at.operands.split_whitespace().next().unwrap_or_default();
            match at.name {
                "call" => {
                    function.calls.insert(operand.parse()?);
                }
                "call_indirect" => bail!("`{}` calls what is not known", function.name),
                // The stack pointer, less a constant.
                "i32.sub" if before[0] == "global.get 0" => {
                    let by = before[1].strip_prefix("i32.const ");
                    let by = by.with_context(|| format!("a frame of no fixed size: {line}"))?;
                    function.reserved += by.parse::<u64>()?;
                }
                _ => {}
            }
            let [_, last] = before;
            before = [last, format!("{} {operand}", at.name)];
        }
        let frames = functions.iter();
        let frames = frames.map(|(number, function): (_, &Function)| (*number, function.reserved));
        Ok(Self {
            frames: frames.collect(),
            lengths: BTreeMap::new(),
            functions,
            names: exports.lines().filter_map(export).collect(),
        })
    }
}

/// ` - func[370] <tl_opened> -> "tl_opened"`
fn export(line: &str) -> Option<(String, u64)> {
    let rest = line.trim_start().strip_prefix("- func[")?;
    let (number, rest) = rest.split_once(']')?;
    let (_, name) = rest.rsplit_once("-> ")?;
    Some((name.trim_matches('"').to_owned(), number.parse().ok()?))
}

/// Where a jump or a call on x86-64 goes; `None` for what is none, and for a `switch`.
fn x86<'a>(
    name: &str,
    operands: &'a str,
    registers: &mut Registers<'a>,
    word: impl Fn(u64) -> Option<u64>,
) -> Result<Option<u64>> {
    let place = |text: &str| {
        let (_, place) = text.split_once("# 0x")?;
        word(u64::from_str_radix(place.split_whitespace().next()?, 16).ok()?)
    };
    let is_call = name.starts_with("call");
    if !is_call && !name.starts_with('j') {
        if ["cmp", "test", "push"]
            .iter()
            .any(|it| name.starts_with(it))
        {
            return Ok(None);
        }
        let plain = operands.split('#').next().unwrap_or_default().trim();
        let (from, to) = plain.rsplit_once(", ").unwrap_or(("", plain));
        let known = match name {
            "movq" if from.ends_with("(%rip)") => place(operands),
            "movq" => registers.get(from).copied(),
            _ => None,
        };
        let to = whole(to);
        registers.remove(to);
        registers.extend(known.map(|known| (to, known)));
        return Ok(None);
    }
    let operand = operands.split_whitespace().next().unwrap_or_default();
    if let Some(hex) = operand.strip_prefix("0x") {
        return Ok(Some(u64::from_str_radix(hex, 16)?));
    }
    let known = match operand.strip_prefix('*') {
        Some(through) if through.ends_with("(%rip)") => place(operands),
        Some(register) => registers.get(register).copied(),
        None => None,
    };
    ensure!(
        known.is_some() || !is_call,
        "it is not known where `{operands}` goes"
    );
    Ok(known)
}

/// The register of 64 bits that one is a part of.
fn whole(register: &str) -> &str {
    const PARTS: &[(&str, &[&str])] = &[
        ("%rax", &["%eax", "%ax", "%al", "%ah"]),
        ("%rbx", &["%ebx", "%bx", "%bl", "%bh"]),
        ("%rcx", &["%ecx", "%cx", "%cl", "%ch"]),
        ("%rdx", &["%edx", "%dx", "%dl", "%dh"]),
        ("%rsi", &["%esi", "%si", "%sil"]),
        ("%rdi", &["%edi", "%di", "%dil"]),
        ("%rbp", &["%ebp", "%bp", "%bpl"]),
    ];
    let found = PARTS.iter().find(|(_, parts)| parts.contains(&register));
    match found {
        Some((whole, _)) => whole,
        // `%r8d`, `%r8w`, `%r8b`.
        None => register.trim_end_matches(['d', 'w', 'b']),
    }
}

/// Where a jump or a call on RISC-V goes.
fn riscv<'a>(
    address: u64,
    name: &str,
    operands: &'a str,
    registers: &mut Registers<'a>,
) -> Result<Option<u64>> {
    let number = |text: &str| -> Result<u64> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let digits = digits.trim_start_matches("0x");
        Ok((sign * i64::from_str_radix(digits, 16)?).cast_unsigned())
    };
    let operand = operands.split(" <").next().unwrap_or_default().trim();
    match name {
        "auipc" => {
            let (register, upper) = operand.split_once(", ").context("auipc of what?")?;
            let at = address.wrapping_add(number(upper)? << 12) & 0xFFFF_FFFF;
            registers.insert(register, at);
            Ok(None)
        }
        "jalr" | "jr" => {
            let (offset, register) = operand.split_once('(').unwrap_or(("0", operand));
            let register = register.trim_end_matches(')');
            match registers.get(register) {
                Some(upper) => Ok(Some(upper.wrapping_add(number(offset)?) & 0xFFFF_FFFF)),
                None if name == "jr" => Ok(None),
                None => bail!("it is not known where `{operands}` goes"),
            }
        }
        name if name.starts_with('j') || name.starts_with('b') => {
            let target = operand.rsplit(", ").next().unwrap_or_default();
            Ok(Some(number(target)?))
        }
        _ => {
            let written = operand.split(',').next().unwrap_or_default();
            if !name.starts_with('s') || name.starts_with("sl") || name.starts_with("sub") {
                registers.remove(written);
            }
            Ok(None)
        }
    }
}

/// What an instruction on x86-64 moves the stack pointer down by.
fn pushes(name: &str, operands: &str) -> Result<u64> {
    match name {
        name if name.starts_with("push") => Ok(WORD),
        "subq" if operands.contains(", %rsp") => {
            let by = operands.trim_start_matches("$0x");
            let by = by.split(',').next().unwrap_or_default();
            let by = u64::from_str_radix(by, 16);
            by.with_context(|| format!("a frame of no fixed size: sub {operands}"))
        }
        _ => Ok(0),
    }
}

/// What an instruction on RISC-V moves the stack pointer down by.
fn moves_down(name: &str, operands: &str) -> Result<u64> {
    if name == "addi" {
        if let Some(by) = operands.strip_prefix("sp, sp, -0x") {
            return Ok(u64::from_str_radix(by, 16)?);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deepest(calls: &Calls, name: &str) -> u64 {
        calls.worst(name).unwrap()[""]
    }

    const MODULE: &str = "
00000e06 <CODE>:
00000e08 <leaf>:
     e0a:      \tunreachable
00000e0c <outer>:
     e11:      \tglobal.get\t0
     e17:      \ti32.const\t16
     e19:      \ti32.sub
     e1a:      \tcall\t2
00000e20 <inner>:
     e21:      \tglobal.get\t0
     e22:      \ti32.const\t32
     e23:      \ti32.sub
     e24:      \tcall\t0
";

    #[test]
    fn a_module_is_added_up() {
        let exports = [
            " - func[0] <leaf> -> \"leaf\"",
            " - func[1] <outer> -> \"outer\"",
            " - func[1] <outer> -> \"same\"",
            " - memory[0] -> \"memory\"",
        ];
        let calls = Calls::read_wasm(MODULE, &exports.join("\n")).unwrap();
        assert_eq!(calls.names.len(), 3);
        assert_eq!(deepest(&calls, "outer"), 48);
        assert_eq!(deepest(&calls, "same"), 48);
        assert_eq!(deepest(&calls, "leaf"), 0);
        let unknown = MODULE.replace("call\t0", "call_indirect\t0");
        assert!(Calls::read_wasm(&unknown, "").is_err());
        let moving = MODULE.replace("i32.const\t32", "local.get\t1");
        assert!(Calls::read_wasm(&moving, "").is_err());
    }

    #[test]
    fn x86_calls_by_name_table_and_register() {
        let mut registers = Registers::new();
        let word = |at: u64| (at == 0x2215A8).then_some(0x1000);
        let mut go = |name, operands| x86(name, operands, &mut registers, word);
        assert_eq!(go("callq", "0x20 <f>").unwrap(), Some(0x20));
        assert_eq!(
            go("callq", "*0x1b(%rip)   # 0x2215a8").unwrap(),
            Some(0x1000)
        );
        assert!(go("callq", "*%rbx").is_err());
        assert_eq!(go("movq", "0x1b(%rip), %rbx   # 0x2215a8").unwrap(), None);
        assert_eq!(go("callq", "*%rbx").unwrap(), Some(0x1000));
        assert_eq!(go("movq", "%rbx, %r14").unwrap(), None);
        assert_eq!(go("callq", "*%r14").unwrap(), Some(0x1000));
        assert_eq!(go("movb", "$0x1, %r14b").unwrap(), None);
        assert!(go("callq", "*%r14").is_err());
        assert_eq!(go("xorl", "%eax, %ebx").unwrap(), None);
        assert!(go("callq", "*%rbx").is_err());
        assert_eq!(go("jmpq", "*%rax").unwrap(), None);
        assert_eq!(go("je", "0x30 <f+0x3>").unwrap(), Some(0x30));
    }

    #[test]
    fn risc_v_calls_in_two_halves() {
        let mut registers = Registers::new();
        let mut go = |name, operands| riscv(0x1_0000, name, operands, &mut registers);
        assert_eq!(go("auipc", "ra, 0x5").unwrap(), None);
        assert_eq!(go("jalr", "-0x100(ra) <f>").unwrap(), Some(0x1_4F00));
        assert_eq!(go("auipc", "t1, 0xfffff").unwrap(), None);
        assert_eq!(go("jr", "0x10(t1) <f>").unwrap(), Some(0xF010));
        assert_eq!(go("li", "ra, 0x5").unwrap(), None);
        assert!(go("jalr", "0x0(ra)").is_err());
        assert_eq!(go("jr", "a0").unwrap(), None);
        assert_eq!(go("bnez", "a0, 0x1040 <f+0x40>").unwrap(), Some(0x1040));
    }

    #[test]
    fn what_moves_the_stack_pointer_is_read() {
        assert_eq!(pushes("pushq", "%rbx").unwrap(), 8);
        assert_eq!(pushes("subq", "$0x48, %rsp").unwrap(), 0x48);
        assert!(pushes("subq", "%rax, %rsp").is_err());
        assert_eq!(moves_down("addi", "sp, sp, -0x30").unwrap(), 0x30);
        assert_eq!(moves_down("addi", "sp, sp, 0x30").unwrap(), 0);
    }
}
