//! From what `wasm2c` writes to what the model checker takes well.
//!
//! Each byte of the memory becomes a variable of its own, in pieces of a few bytes that a tree of comparisons finds. Where
//! an address is a constant, and in this code nearly all are, the checker follows one branch only, and a byte that is
//! constant stays so.

use std::fmt::Write as _;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

/// Bytes of a piece.
const PIECE: usize = 32;

/// Functions that the harness stands in for, by a part of their names: what it calls them.
const REPLACED: [(&str, &str); 2] = [
    ("7renewal6Random4next", "w2c_random_next"),
    ("7renewal6Random5up_to", "w2c_random_up_to"),
];
/// What the second one is called that is translated: its contract is a case of its own.
const WHOLE: &str = "w2c_whole_up_to";

/// What the harness includes.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) memory: String,
    pub(super) kernel: String,
}

/// `properties` is one more than the highest number that a judgement can have, `up_to` the call that judges `WHOLE`.
pub(super) fn headers(translated: &str, properties: u32, up_to: u32) -> Result<Headers> {
    let end = number_after(translated, "instance->w2c___heap_base = ")?;
    let size = end.next_multiple_of(PIECE);
    let mut image = vec![0; size];
    for line in translated.lines() {
        let Some(rest) = line.trim().strip_prefix("LOAD_DATA(instance->w2c_memory,") else {
            continue;
        };
        let words: Vec<&str> = rest.split([',', ')']).map(str::trim).collect();
        let [at, name, ..] = words.as_slice() else {
            bail!("a data segment without its place: {line}");
        };
        let at: usize = at.trim_end_matches('u').parse()?;
        let bytes = data(translated, name)?;
        let place = image.get_mut(at..at + bytes.len());
        place
            .context("data lie in the memory")?
            .copy_from_slice(&bytes);
    }
    Ok(Headers {
        memory: memory(&image, properties, up_to),
        kernel: functions(&renamed(translated)?)?,
    })
}

fn number_after(text: &str, mark: &str) -> Result<usize> {
    let (_, rest) = text.split_once(mark).with_context(|| mark.to_owned())?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    Ok(digits.unwrap_or_default().parse()?)
}

/// The bytes of a data segment.
fn data(text: &str, name: &str) -> Result<Vec<u8>> {
    let mark = format!("static const u8 {name}[] = {{");
    let (_, rest) = text.split_once(&mark).with_context(|| name.to_owned())?;
    let (bytes, _) = rest.split_once('}').context("a list ends")?;
    let bytes = bytes.split(',').map(str::trim);
    bytes
        .filter(|byte| !byte.is_empty())
        .map(|byte| Ok(u8::from_str_radix(byte.trim_start_matches("0x"), 16)?))
        .collect()
}

/// A store of what the line before has loaded, as a copy: bytes of it that are constants stay so.
fn copied(before: &str, line: &str) -> Option<String> {
    const MEMORY: &str = "(&instance->w2c_memory, ";
    let (loaded, from) = before.trim().split_once(" = i64_load")?;
    let from = from.strip_prefix(MEMORY)?.strip_suffix(");")?;
    let stored = line.trim().strip_prefix("i64_store")?;
    let (to, value) = stored
        .strip_prefix(MEMORY)?
        .strip_suffix(");")?
        .rsplit_once(", ")?;
    (value == loaded).then(|| format!("  copy8({to}, {from});"))
}

/// The loops around a line, from the outermost: the number of each, and how far it is indented.
#[derive(Debug, Default)]
struct Loops(Vec<(String, usize)>);

impl Loops {
    /// The line with what comes before it. Each loop goes back from one place, at its end: CBMC takes every jump back for
    /// a loop of its own, and several of one loop for loops within each other. Nor is a loop left by not going back:
    /// CBMC 6.6 loses the way out when a jump whose condition is a constant leads over it.
    fn go_back_once(&mut self, line: &str) -> String {
        let depth = line.len() - line.trim_start().len();
        let mut text = String::new();
        while let Some((number, _)) = self.0.pop_if(|(_, outside)| depth <= *outside) {
            let _ = writeln!(
                text,
                "goto out_{number};\nback_{number}:;\ngoto w2c_L{number};\nout_{number}:;"
            );
        }
        let label = line.trim().strip_prefix("w2c_L");
        if let Some(number) = label.and_then(|rest| rest.strip_suffix(':')) {
            self.0.push((number.to_owned(), depth));
        }
        text + &line.replace("goto w2c_L", "goto back_")
    }
}

/// Functions that the harness stands in for have the names that it knows.
fn renamed(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (part, plain) in REPLACED {
        let (before, after) = text.split_once(part).with_context(|| part.to_owned())?;
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begin = before.rsplit(|c| !inside(c)).next().unwrap_or_default();
        let end = after.split(|c| !inside(c)).next().unwrap_or_default();
        text = text.replace(&format!("{begin}{part}{end}"), plain);
    }
    // Only a definition has names for what it takes.
    let [_, (_, up_to)] = REPLACED;
    let definition = |name: &str| format!("{name}(Z_kernel_instance_t* instance");
    Ok(text.replace(&definition(up_to), &definition(WHOLE)))
}

/// The functions of the module with their declarations, but for the copying and filling of memory.
fn functions(text: &str) -> Result<String> {
    let mut kept = String::new();
    let mut inside = false;
    let mut before = "";
    let mut loops = Loops::default();
    for line in text.lines() {
        let head = ["static void ", "static u32 ", "static u64 "];
        let name = head.iter().find_map(|head| line.strip_prefix(head));
        if let Some(name) = name {
            let own = name.starts_with("w2c_") || name.starts_with("init_globals(");
            let declared = line.ends_with(';');
            let [(_, next), _] = REPLACED;
            let harness = ["w2c_memcpy", "w2c_memset", next];
            let harness = harness.iter().any(|taken| name.starts_with(taken));
            inside = own && (declared || !harness);
        }
        if inside {
            let changed = copied(before, line);
            kept.push_str(&loops.go_back_once(changed.as_deref().unwrap_or(line)));
            kept.push('\n');
            before = line;
            // A function ends at the margin, a declaration with its line.
            inside = line != "}" && !(name.is_some() && line.ends_with(';'));
        }
    }
    ensure!(kept.contains("w2c_step("), "the kernel has no `step`");
    Ok(kept)
}

fn memory(image: &[u8], properties: u32, up_to: u32) -> String {
    let mut text = format!("#define MEMORY {}\n", image.len());
    let _ = writeln!(text, "#define PROPERTIES {properties}u");
    let _ = writeln!(text, "#define UP_TO {up_to}u");
    text += "#define JUDGE(broken) do { \\\n";
    for number in 1..properties {
        let _ = writeln!(
            text,
            "  __CPROVER_assert(broken != {number}u, \"property {number}\"); \\"
        );
    }
    text += "} while (0)\n";
    for (piece, bytes) in image.chunks(PIECE).enumerate() {
        let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let bytes = bytes.join(", ");
        let _ = writeln!(text, "static u8 piece{piece}[{PIECE}] = {{{bytes}}};");
    }
    let pieces = image.len() / PIECE;
    for width in [1, 2, 4, 8] {
        accessors(&mut text, width, pieces);
    }
    let take = each_byte(8, |byte, piece| {
        format!("byte{byte} = piece{piece}[k + {byte}];")
    });
    let put = each_byte(8, |byte, piece| {
        format!("piece{piece}[k + {byte}] = byte{byte};")
    });
    let names: Vec<String> = (0..8).map(|byte| format!("byte{byte}")).collect();
    let _ = writeln!(
        text,
        "static void copy8(u64 to, u64 from) {{\n  INSIDE(to, 8);\n  INSIDE(from, 8);\n  \
         if ((to | from) & 7) {{ write64(to, read64(from)); return; }}\n  u8 {};\n  u64 at = from;\n  u32 k = at & {};\n  {}\n  at = to;\n  \
         k = at & {};\n  {}\n}}",
        names.join(", "),
        PIECE - 1,
        tree(0, pieces, &take),
        PIECE - 1,
        tree(0, pieces, &put),
    );
    text
}

fn each_byte(
    width: usize,
    each: impl Fn(usize, usize) -> String + 'static,
) -> impl Fn(usize) -> String {
    move |piece| {
        let all: Vec<String> = (0..width).map(|byte| each(byte, piece)).collect();
        all.join(" ")
    }
}

/// `readN` and `writeN`: what is not aligned is taken in two halves.
fn accessors(text: &mut String, width: usize, pieces: usize) {
    let bits = width * 8;
    let half = bits / 2;
    let kind = if width == 8 { "u64" } else { "u32" };
    let read = |piece: usize| {
        let bytes = (0..width).map(|byte| {
            let shift = byte * 8;
            format!("({kind})piece{piece}[k + {byte}] << {shift}")
        });
        let bytes: Vec<String> = bytes.collect();
        format!("value = {};", bytes.join(" | "))
    };
    let write = each_byte(width, |byte, piece| {
        let shift = byte * 8;
        format!("piece{piece}[k + {byte}] = value >> {shift};")
    });
    let (mut read_halves, mut write_halves) = (String::new(), String::new());
    if width > 1 {
        let (mask, step) = (width - 1, width / 2);
        read_halves = format!(
            "  if (at & {mask}) return ({kind})read{half}(at) | ({kind})read{half}(at + {step}) << {half};\n"
        );
        write_halves = format!(
            "  if (at & {mask}) {{ write{half}(at, value); write{half}(at + {step}, value >> {half}); return; }}\n"
        );
    }
    let (inside, k) = (
        format!("  INSIDE(at, {width});\n"),
        format!("  u32 k = at & {};\n", PIECE - 1),
    );
    let _ = writeln!(
        text,
        "static {kind} read{bits}(u64 at) {{\n{inside}{read_halves}{k}  {kind} value;\n  {}\n  return value;\n}}",
        tree(0, pieces, &read)
    );
    let _ = writeln!(
        text,
        "static void write{bits}(u64 at, {kind} value) {{\n{inside}{write_halves}{k}  {}\n}}",
        tree(0, pieces, &write)
    );
}

/// Finds the piece of an address.
fn tree(from: usize, to: usize, leaf: &impl Fn(usize) -> String) -> String {
    if to - from == 1 {
        return leaf(from);
    }
    let middle = usize::midpoint(from, to);
    let (low, high) = (tree(from, middle, leaf), tree(middle, to, leaf));
    format!(
        "if (at < {}u) {{ {low} }} else {{ {high} }}",
        middle * PIECE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSLATED: &str = "\
static u32 w2c_memcpy(Z_kernel_instance_t*, u32, u32, u32);
static u64 w2c_x7renewal6Random4next17hE(Z_kernel_instance_t*, u32);
static u32 w2c_x7renewal6Random5up_to17hE(Z_kernel_instance_t*, u32, u32);
static void w2c_step(Z_kernel_instance_t*, u32);
static void init_globals(Z_kernel_instance_t* instance) {
  instance->w2c___stack_pointer = 32u;
  instance->w2c___heap_base = 40u;
}
static const u8 data_segment_data_x[] = {
  0x01, 0xff, 
};
static void init_memories(Z_kernel_instance_t* instance) {
  LOAD_DATA(instance->w2c_memory, 34u, data_segment_data_x, 2);
}
static void w2c_step(Z_kernel_instance_t* instance, u32 w2c_p0) {
}
static u32 w2c_memcpy(Z_kernel_instance_t* instance, u32 w2c_p0, u32 w2c_p1, u32 w2c_p2) {
}
static u64 w2c_x7renewal6Random4next17hE(Z_kernel_instance_t* instance, u32 w2c_p0) {
}
static u32 w2c_x7renewal6Random5up_to17hE(Z_kernel_instance_t* instance, u32 w2c_p0, u32 w2c_p1) {
  w2c_j0 = w2c_x7renewal6Random4next17hE(instance, w2c_p0);
}
";

    #[test]
    fn functions_and_data_are_taken_and_the_rest_is_not() {
        let Headers { memory, kernel } = headers(TRANSLATED, 3, 29).unwrap();
        let declared = "static u32 w2c_memcpy(Z_kernel_instance_t*, u32, u32, u32);\n";
        assert!(kernel.starts_with(declared));
        assert_eq!(kernel.matches("memcpy").count(), 1);
        assert!(kernel.contains("w2c_step(Z_kernel_instance_t* instance, u32 w2c_p0) {\n}\n"));
        assert!(!kernel.contains("LOAD_DATA"));
        assert_eq!(kernel.matches("w2c_random_next(").count(), 2);
        assert_eq!(kernel.matches("w2c_random_up_to(").count(), 1);
        let whole = "static u32 w2c_whole_up_to(Z_kernel_instance_t* instance, u32 w2c_p0, u32 w2c_p1) {\n  w2c_j0";
        assert!(kernel.contains(whole));
        assert!(memory.contains("#define MEMORY 64\n"));
        assert!(memory.contains("#define UP_TO 29u\n"));
        assert!(memory.contains("static u8 piece0[32] = {0, 0, 0,"));
        assert!(memory.contains("static u8 piece1[32] = {0, 0, 1, 255, 0,"));
        assert!(memory.contains("broken != 2u"));
        assert!(!memory.contains("broken != 3u"));
    }

    #[test]
    fn a_module_without_the_step_is_refused() {
        assert!(headers(&TRANSLATED.replace("w2c_step", "w2c_other"), 3, 29).is_err());
    }

    #[test]
    fn what_is_loaded_and_stored_is_copied() {
        let load = "  w2c_j1 = i64_load(&instance->w2c_memory, (u64)(w2c_i1) + 8u);";
        let store = "  i64_store(&instance->w2c_memory, (u64)(w2c_i0) + 16, w2c_j1);";
        let copy = "  copy8((u64)(w2c_i0) + 16, (u64)(w2c_i1) + 8u);";
        assert_eq!(copied(load, store).as_deref(), Some(copy));
        assert_eq!(copied(load, &store.replace("j1", "j2")), None);
        assert_eq!(copied(store, store), None);
    }

    #[test]
    fn each_loop_goes_back_once() {
        let lines = [
            "  w2c_L1: ",
            "    if (w2c_i0) {goto w2c_L1;}",
            "    w2c_L2: ",
            "      goto w2c_L1;",
            "  w2c_B0:;",
        ];
        let expected = "  w2c_L1: \n    if (w2c_i0) {goto back_1;}\n    w2c_L2: \n      goto back_1;\n\
            goto out_2;\nback_2:;\ngoto w2c_L2;\nout_2:;\ngoto out_1;\nback_1:;\ngoto w2c_L1;\nout_1:;\n  w2c_B0:;";
        let mut loops = Loops::default();
        let found: Vec<String> = lines.iter().map(|line| loops.go_back_once(line)).collect();
        assert_eq!(found.join("\n"), expected);
    }

    #[test]
    fn each_piece_is_found() {
        let found = tree(0, 3, &|piece| format!("p{piece}"));
        assert_eq!(
            found,
            "if (at < 32u) { p0 } else { if (at < 64u) { p1 } else { p2 } }"
        );
    }
}
