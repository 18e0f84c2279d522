//! The JSON text of an answer (RFC 8259): what stands at a path, and strings without their escapes.

/// The deepest nesting of objects and arrays that is read.
pub const MAX_DEPTH: usize = 32;

/// What stands at a path, and where: the text as in the body, escapes and all, without quotes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) len: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Absent,
    /// A string with escapes.
    Text,
    Number,
    /// A string without escapes, or whose escapes are undone.
    Plain,
    Other,
}

impl Span {
    const ABSENT: Self = Self {
        kind: Kind::Absent,
        start: 0,
        len: 0,
    };

    /// Its bytes.
    pub(super) fn of<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        let from = body.get(self.start..).unwrap_or_default();
        from.get(..self.len).unwrap_or_default()
    }
}

/// A configured path, how many of its keys lead to where the walk stands, and what was found.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    path: Option<&'static str>,
    matched: usize,
    pub(super) found: Span,
}

impl Slot {
    pub(super) const fn new(path: Option<&'static str>) -> Self {
        Self {
            path,
            matched: 0,
            found: Span::ABSENT,
        }
    }

    fn step(&self, depth: usize) -> Option<&'static [u8]> {
        let keys = self.path?.as_bytes();
        keys.split(|byte| *byte == b'.').nth(depth)
    }

    /// The walk stands at a key inside `depth` outer keys.
    fn see_key(&mut self, depth: usize, key: &[u8]) {
        self.matched = self.matched.min(depth);
        if self.matched == depth {
            if let Some(step) = self.step(depth) {
                let is_next = is_text(key, step, false);
                self.matched = depth.saturating_add(usize::from(is_next));
            }
        }
    }

    fn see_value(&mut self, depth: usize, value: Span) {
        if self.matched != depth {
            return;
        }
        if self.found.kind != Kind::Absent {
            return;
        }
        if self.step(depth).is_none() {
            self.found = value;
        }
    }
}

/// The containers that the walk is in: a bit for each, the lowest for the innermost, 1 for an object.
struct Open {
    depth: usize,
    objects: u32,
}

const _: () = assert!(MAX_DEPTH <= 32, "a bit for each container");

impl Open {
    fn push(&mut self, is_object: bool) -> Option<()> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        self.objects = (self.objects << 1) | u32::from(is_object);
        Some(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    fn is_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// Finds what stands at each path, if the body is one whole JSON object: a walk through the text, once and without
/// recursion.
pub(super) fn find(slots: &mut [Slot], body: &[u8]) -> Option<()> {
    core::str::from_utf8(body).ok()?;
    let mut walk = Walk {
        body,
        at: 0,
        slots,
        open: Open {
            depth: 0,
            objects: 0,
        },
    };
    walk.object()?;
    walk.skip_space();
    walk.rest().is_empty().then_some(())
}

struct Walk<'b, 's> {
    body: &'b [u8],
    at: usize,
    slots: &'s mut [Slot],
    open: Open,
}

impl<'b> Walk<'b, '_> {
    fn object(&mut self) -> Option<()> {
        self.expect(b'{')?;
        self.open.push(true)?;
        // Nothing stands before the first value of a container; a comma stands before each other.
        let mut is_first = true;
        while self.open.depth > 0 {
            let is_object = self.open.is_object();
            if self.eat(if is_object { b'}' } else { b']' }) {
                self.open.pop();
                is_first = false;
                continue;
            }
            if !is_first {
                self.expect(b',')?;
            }
            if is_object {
                self.key()?;
            }
            is_first = self.value()?;
        }
        Some(())
    }

    fn key(&mut self) -> Option<()> {
        self.expect(b'"')?;
        let key = self.string()?;
        self.expect(b':')?;
        let depth = self.open.depth.saturating_sub(1);
        let key = key.of(self.body);
        for slot in self.slots.iter_mut() {
            slot.see_key(depth, key);
        }
        Some(())
    }

    /// Whether a container begins.
    fn value(&mut self) -> Option<bool> {
        self.skip_space();
        let value = match *self.rest().first()? {
            begin @ (b'{' | b'[') => {
                let bracket = self.take(Kind::Other, 1);
                self.see(bracket);
                self.open.push(begin == b'{')?;
                return Some(true);
            }
            b'"' => {
                self.advance(1);
                self.string()?
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => {
                self.word(b"null")?;
                return Some(false);
            }
            _ => {
                let len = number_len(self.rest())?;
                self.take(Kind::Number, len)
            }
        };
        self.see(value);
        Some(false)
    }

    #[inline(never)]
    fn see(&mut self, value: Span) {
        for slot in self.slots.iter_mut() {
            slot.see_value(self.open.depth, value);
        }
    }

    /// A string whose first quote was read: valid, and still escaped.
    #[inline(never)]
    fn string(&mut self) -> Option<Span> {
        let text = self.rest();
        let mut rest = text;
        let mut kind = Kind::Plain;
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
            if let [b'"', ..] = rest {
                break;
            }
            let piece = Piece::first(rest)?;
            rest = rest.get(piece.used..)?;
            kind = Kind::Text;
        }
        let span = self.take(kind, text.len().saturating_sub(rest.len()));
        self.advance(1);
        Some(span)
    }

    #[inline(never)]
    fn word(&mut self, word: &[u8]) -> Option<Span> {
        if !self.rest().starts_with(word) {
            return None;
        }
        Some(self.take(Kind::Other, word.len()))
    }

    #[inline(never)]
    fn rest(&self) -> &'b [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, len: usize) {
        self.at = self.at.saturating_add(len);
    }

    fn take(&mut self, kind: Kind, len: usize) -> Span {
        let start = self.at;
        self.advance(len);
        Span { kind, start, len }
    }

    #[inline(never)]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Steps over this byte and the space before it, if that is what follows.
    #[inline(never)]
    fn eat(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.rest().first() == Some(&byte);
        self.advance(usize::from(is_next));
        is_next
    }

    #[inline(never)]
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', ..] = self.rest() {
            self.advance(1);
        }
    }
}

/// Whether a byte of a string stands for itself.
const fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

/// Length of the JSON number that a text begins with (RFC 8259 6).
pub(super) fn number_len(text: &[u8]) -> Option<usize> {
    let mut rest = match text {
        [b'-', rest @ ..] => rest,
        _ => text,
    };
    rest = match rest {
        [b'0', rest @ ..] => rest,
        _ => after_digits(rest)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = after_digits(fraction)?;
    }
    if let [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] = rest {
        rest = after_digits(exponent)?;
    }
    text.len().checked_sub(rest.len())
}

/// What comes after one digit or more.
#[inline(never)]
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    (rest.len() < text.len()).then_some(rest)
}

/// Whether a string's content, without its escapes, is this text; with `fold` in any case of ASCII letters.
pub(super) fn is_text(raw: &[u8], mut text: &[u8], fold: bool) -> bool {
    if let ([first, ..], [wanted, ..], false) = (raw, text, fold) {
        // Most keys are told apart by their first byte, unless an escape stands for it.
        if (first != wanted) & (*first != b'\\') {
            return false;
        }
    }
    if raw == text {
        return true;
    }
    let mut rest = raw;
    while let Some(mut piece) = Piece::first(rest) {
        if fold {
            piece.bytes.make_ascii_lowercase();
        }
        let Some(after) = text.strip_prefix(piece.text()) else {
            return false;
        };
        text = after;
        rest = rest.get(piece.used..).unwrap_or_default();
    }
    text.is_empty()
}

/// The first byte of a string's content, or the character that its first escape stands for.
struct Piece {
    bytes: [u8; 4],
    len: usize,
    /// How many bytes it takes there.
    used: usize,
}

impl Piece {
    #[inline(never)]
    fn first(text: &[u8]) -> Option<Self> {
        let byte = match text {
            [] | [0..=0x1F, ..] => return None,
            [b'\\', ..] => return Self::escaped(text),
            [byte, ..] => *byte,
        };
        Some(Self {
            bytes: [byte, 0, 0, 0],
            len: 1,
            used: 1,
        })
    }

    /// The escape that a text begins with (RFC 8259 7). A surrogate must have its pair.
    fn escaped(text: &[u8]) -> Option<Self> {
        let (code, used) = match text.get(1)? {
            b'u' => code_point(text)?,
            letter => (simple_escape(*letter)?, 2),
        };
        let mut bytes = [0; 4];
        let len = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, len, used })
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn simple_escape(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 0x8,
        b'f' => 0xC,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    }))
}

/// What `\uXXXX` stands for, or two of them, and their length. A lone surrogate is given as it is: no character.
fn code_point(text: &[u8]) -> Option<(u32, usize)> {
    let first = code_unit(text)?;
    if let 0xD800..=0xDBFF = first {
        let second = code_unit(text.get(6..)?)?;
        if let 0xDC00..=0xDFFF = second {
            let (high, low) = (first & 0x3FF, second & 0x3FF);
            return Some((((high << 10) | low).saturating_add(0x1_0000), 12));
        }
    }
    Some((first, 6))
}

/// `\uXXXX`.
#[inline(never)]
fn code_unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text else {
        return None;
    };
    let mut unit = 0;
    for digit in digits.get(..4)? {
        unit = (unit << 4) | char::from(*digit).to_digit(16)?;
    }
    Some(unit)
}

/// Undoes the escapes where they stand: no character is longer than its escape. Gives the new length.
pub(super) fn unescape(text: &mut [u8]) -> usize {
    let mut read = 0_usize;
    let mut written = 0_usize;
    while let Some(piece) = text.get(read..).and_then(Piece::first) {
        for byte in piece.text() {
            if let Some(place) = text.get_mut(written) {
                *place = *byte;
            }
            written = written.saturating_add(1);
        }
        read = read.saturating_add(piece.used);
    }
    written
}
