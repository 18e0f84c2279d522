//! The JSON text of an answer (RFC 8259): what stands at a path, and strings without their escapes.

/// The deepest nesting of objects and arrays that is read.
pub const MAX_DEPTH: usize = 32;

/// What stands at a path. `raw` is the text as in the body, escapes and all, without quotes.
#[derive(Clone, Copy, Default)]
pub(super) struct Value<'b> {
    pub(super) kind: Kind,
    has_escapes: bool,
    start: usize,
    pub(super) raw: &'b str,
}

/// Where a text stands in the body, how long it is, and whether there are escapes to be undone in it.
pub(super) type Span = (usize, usize, bool);

#[derive(Clone, Copy, PartialEq, Default)]
pub(super) enum Kind {
    #[default]
    Absent,
    Text,
    Number,
    Other,
}

impl Value<'_> {
    /// Where a string stands; nowhere for another kind.
    pub(super) const fn text(&self) -> Span {
        match self.kind {
            Kind::Text => self.span(),
            _ => (0, 0, false),
        }
    }

    /// The same for a string or a number.
    pub(super) const fn text_or_number(&self) -> Span {
        match self.kind {
            Kind::Text | Kind::Number => self.span(),
            _ => (0, 0, false),
        }
    }

    const fn span(&self) -> Span {
        (self.start, self.raw.len(), self.has_escapes)
    }
}

/// A configured path, how many of its keys lead to where the walk stands, and what was found.
#[derive(Clone, Copy)]
struct Slot<'b> {
    path: Option<&'static str>,
    matched: usize,
    value: Value<'b>,
}

impl<'b> Slot<'b> {
    fn step(&self, depth: usize) -> Option<&'static [u8]> {
        self.path?.as_bytes().split(|byte| *byte == b'.').nth(depth)
    }

    /// The walk stands at a key inside `depth` outer keys.
    fn see_key(&mut self, depth: usize, key: &str) {
        self.matched = self.matched.min(depth);
        if self.matched == depth {
            let is_next = self.step(depth).is_some_and(|step| is_text(key, step));
            self.matched = depth.saturating_add(usize::from(is_next));
        }
    }

    fn see_value(&mut self, depth: usize, value: Value<'b>) {
        if self.matched == depth {
            let is_here = self.step(depth).is_none();
            if is_here & (self.value.kind == Kind::Absent) {
                self.value = value;
            }
        }
    }
}

/// What may come next.
enum Next {
    First,
    Member,
    Value,
    Separator,
}

impl Next {
    /// What a container holds, told by its closing bracket.
    const fn inside(close: u8) -> Self {
        match close {
            b'}' => Self::Member,
            _ => Self::Value,
        }
    }
}

/// The containers that the walk is in: a bit for each, the lowest for the innermost, 1 for an object.
#[derive(Default)]
struct Open {
    depth: usize,
    objects: u32,
}

const _: () = assert!(MAX_DEPTH <= 32, "a bit for each container");

impl Open {
    fn push(&mut self, close: u8) -> Option<()> {
        (self.depth < MAX_DEPTH).then_some(())?;
        self.depth = self.depth.saturating_add(1);
        self.objects = (self.objects << 1) | u32::from(close == b'}');
        Some(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    /// The bracket that closes the innermost.
    const fn close(&self) -> Option<u8> {
        match (self.depth, self.objects & 1) {
            (0, _) => None,
            (_, 1) => Some(b'}'),
            _ => Some(b']'),
        }
    }
}

/// A walk through the JSON text, once and without recursion.
pub(super) struct Walk<'b, const N: usize> {
    body: &'b [u8],
    rest: &'b [u8],
    slots: [Slot<'b>; N],
    open: Open,
}

impl<'b, const N: usize> Walk<'b, N> {
    /// What stands at each path, if the body is one whole JSON object.
    pub(super) fn fields(
        paths: [Option<&'static str>; N],
        body: &'b [u8],
    ) -> Option<[Value<'b>; N]> {
        let slots = paths.map(|path| Slot {
            path,
            matched: 0,
            value: Value::default(),
        });
        let mut walk = Self {
            body,
            rest: body,
            slots,
            open: Open::default(),
        };
        walk.skip_space();
        walk.eat(b'{').then_some(())?;
        walk.open.push(b'}')?;
        let mut next = Next::First;
        while let Some(close) = walk.open.close() {
            walk.skip_space();
            next = walk.advance(&next, close)?;
        }
        walk.skip_space();
        walk.rest
            .is_empty()
            .then_some(walk.slots.map(|slot| slot.value))
    }

    /// One step, inside the container that `close` closes.
    fn advance(&mut self, next: &Next, close: u8) -> Option<Next> {
        match next {
            Next::Value => self.value(),
            Next::Member => self.member(),
            Next::First => match self.close(close) {
                None => Some(Next::inside(close)),
                closed => closed,
            },
            Next::Separator => match self.close(close) {
                None => self.eat(b',').then_some(Next::inside(close)),
                closed => closed,
            },
        }
    }

    fn close(&mut self, close: u8) -> Option<Next> {
        self.eat(close).then_some(())?;
        self.open.pop();
        Some(Next::Separator)
    }

    fn member(&mut self) -> Option<Next> {
        let (key, _) = self.string()?;
        self.skip_space();
        self.eat(b':').then_some(())?;
        let depth = self.open.depth.saturating_sub(1);
        for slot in &mut self.slots {
            slot.see_key(depth, key);
        }
        Some(Next::Value)
    }

    fn value(&mut self) -> Option<Next> {
        let start = self.body.len().saturating_sub(self.rest.len());
        match self.rest.first()? {
            b'{' => return self.container(start, b'}'),
            b'[' => return self.container(start, b']'),
            b'"' => {
                let (raw, has_escapes) = self.string()?;
                self.see(Value {
                    kind: Kind::Text,
                    has_escapes,
                    start: start.saturating_add(1),
                    raw,
                });
            }
            b't' | b'f' => {
                let raw = self.word("true").or_else(|| self.word("false"))?;
                self.see(Value {
                    kind: Kind::Other,
                    has_escapes: false,
                    start,
                    raw,
                });
            }
            b'n' => {
                self.word("null")?;
            }
            _ => {
                let raw = self.take(number_len(self.rest)?)?;
                self.see(Value {
                    kind: Kind::Number,
                    has_escapes: false,
                    start,
                    raw,
                });
            }
        }
        Some(Next::Separator)
    }

    fn container(&mut self, start: usize, close: u8) -> Option<Next> {
        let raw = self.take(1)?;
        self.see(Value {
            kind: Kind::Other,
            has_escapes: false,
            start,
            raw,
        });
        self.open.push(close)?;
        Some(Next::First)
    }

    fn see(&mut self, value: Value<'b>) {
        for slot in &mut self.slots {
            slot.see_value(self.open.depth, value);
        }
    }

    /// A string's content: valid, and still escaped; and whether there are escapes in it.
    fn string(&mut self) -> Option<(&'b str, bool)> {
        self.eat(b'"').then_some(())?;
        let mut rest = self.rest;
        let mut has_escapes = false;
        loop {
            // Many at once, where the processor can; elsewhere it would be a loop more.
            #[cfg(target_pointer_width = "64")]
            while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
                if !chunk.iter().fold(true, |all, byte| all & is_plain(*byte)) {
                    break;
                }
                rest = after;
            }
            let special = rest.iter().position(|byte| !is_plain(*byte))?;
            rest = rest.get(special..)?;
            match rest.first()? {
                b'"' => break,
                b'\\' => rest = rest.get(escape(rest)?.1..)?,
                _ => return None,
            }
            has_escapes = true;
        }
        let raw = self.take(self.rest.len().saturating_sub(rest.len()))?;
        self.eat(b'"');
        Some((raw, has_escapes))
    }

    fn word(&mut self, word: &str) -> Option<&'b str> {
        self.rest.starts_with(word.as_bytes()).then_some(())?;
        self.take(word.len())
    }

    fn take(&mut self, len: usize) -> Option<&'b str> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        core::str::from_utf8(taken).ok()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

/// Whether a byte of a string stands for itself.
const fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

/// Length of the JSON number that a text begins with (RFC 8259 6).
pub(super) fn number_len(text: &[u8]) -> Option<usize> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mut rest = match unsigned.strip_prefix(b"0") {
        Some(rest) => rest,
        None => after_digits(unsigned)?,
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = after_digits(fraction)?;
    }
    if let [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] = rest {
        rest = after_digits(exponent)?;
    }
    text.len().checked_sub(rest.len())
}

/// What comes after one digit or more.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let is_other = |byte: &u8| !byte.is_ascii_digit();
    let len = text.iter().position(is_other).unwrap_or(text.len());
    (len > 0).then_some(text.get(len..)?)
}

/// The characters of a string's content, without escapes.
pub(super) fn chars(raw: &str) -> impl Iterator<Item = char> {
    let mut rest = raw;
    core::iter::from_fn(move || {
        let (character, len) = next_char(rest)?;
        rest = rest.get(len..)?;
        Some(character)
    })
}

/// Whether a string's content is this text.
pub(super) fn is_text(raw: &str, text: &[u8]) -> bool {
    if raw.as_bytes() == text {
        return true;
    }
    let mut rest = text;
    for character in chars(raw) {
        let mut bytes = [0; 4];
        match rest.strip_prefix(character.encode_utf8(&mut bytes).as_bytes()) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// The first character of a string's content, and how many bytes it takes there.
fn next_char(raw: &str) -> Option<(char, usize)> {
    match raw.chars().next()? {
        '\\' => escape(raw.as_bytes()),
        character => Some((character, character.len_utf8())),
    }
}

/// The escape that a text begins with, and its length (RFC 8259 7). A surrogate must have its pair.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let Some(first) = code_unit(text) else {
        let [b'\\', letter, ..] = text else {
            return None;
        };
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(*letter),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        };
        return Some((character, 2));
    };
    let second = text.get(6..).and_then(code_unit);
    let units = core::iter::once(first).chain(second);
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, character.len_utf16().saturating_mul(6)))
}

/// `\uXXXX`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text else {
        return None;
    };
    digits.get(..4)?.iter().try_fold(0, |unit: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | u16::try_from(digit).ok()?)
    })
}

/// Undoes the escapes where they stand: no character is longer than its escape. Gives the new length.
pub(super) fn unescape(text: &mut [u8]) -> usize {
    let mut read = 0_usize;
    let mut written = 0_usize;
    while let Some(byte) = text.get(read).copied() {
        let (len, bytes, used) = match text.get(read..).and_then(escape) {
            Some((character, used)) => {
                let mut bytes = [0; 4];
                (character.encode_utf8(&mut bytes).len(), bytes, used)
            }
            None => (1, [byte, 0, 0, 0], 1),
        };
        for byte in bytes.iter().take(len) {
            if let Some(place) = text.get_mut(written) {
                *place = *byte;
            }
            written = written.saturating_add(1);
        }
        read = read.saturating_add(used);
    }
    written
}
