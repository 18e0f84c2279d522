//! The words of a challenge: RFC 9110 5.6.2, 5.6.4, 11.2 and 11.6.1.

use super::ParamValue;

/// The unread rest of a header's value.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next word, and its value if it is a parameter's name. A comma separates parameters as well as challenges
    /// (RFC 9110 11.6.1), so a word is a parameter's name when `=` follows it, and otherwise the scheme of the next
    /// challenge.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<(&'a [u8], Option<ParamValue<'a>>)> {
        loop {
            if *self.0.first()? == b'"' {
                self.quoted();
                continue;
            }
            let word = self.run(&TOKEN);
            if !word.is_empty() {
                return Some((word, self.value()));
            }
            self.skip();
        }
    }

    /// Takes bytes while they are of a class.
    #[inline(never)]
    fn run(&mut self, class: &Class) -> &'a [u8] {
        let is_other = |byte: &u8| !class.has(*byte);
        let end = self.0.iter().position(is_other).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        run
    }

    fn skip(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    /// `BWS "=" BWS` and a value, if that is what follows (RFC 9110 11.2).
    fn value(&mut self) -> Option<ParamValue<'a>> {
        let mut ahead = Cursor(self.0);
        ahead.run(&SPACE);
        let [b'=', rest @ ..] = ahead.0 else {
            return None;
        };
        self.0 = rest;
        self.run(&SPACE);
        let raw = match self.0.first() {
            Some(b'"') => self.quoted(),
            _ => self.run(&UNQUOTED),
        };
        Some(ParamValue { raw })
    }

    /// A quoted string (RFC 9110 5.6.4), without its quotes; up to the end when the second is missing.
    fn quoted(&mut self) -> &'a [u8] {
        self.skip();
        let inside = core::mem::take(&mut self.0);
        let mut escaped = false;
        let is_end = |byte: &u8| {
            let ends = !escaped & (*byte == b'"');
            escaped = !escaped & (*byte == b'\\');
            ends
        };
        let end = inside.iter().position(is_end).unwrap_or(inside.len());
        let (text, rest) = inside.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        self.skip();
        text
    }

    /// Steps over a token68 (RFC 9110 11.2) and its padding. It is one only if there is a space before it, and if the
    /// challenge ends with it.
    pub(super) fn token68(&mut self) {
        let mut ahead = Cursor(self.0);
        if ahead.run(&SPACE).is_empty() {
            return;
        }
        ahead.run(&TOKEN68);
        ahead.run(&PADDING);
        ahead.run(&SPACE);
        if matches!(ahead.0.first(), None | Some(b',')) {
            self.0 = ahead.0;
        }
    }
}

/// What bytes are taken together.
struct Class {
    alphanumeric: bool,
    others: &'static [u8],
    /// Whether these are what is not taken.
    excluded: bool,
}

const SPACE: Class = Class {
    alphanumeric: false,
    others: b" \t",
    excluded: false,
};

/// RFC 9110 5.6.2.
const TOKEN: Class = Class {
    alphanumeric: true,
    others: b"!#$%&'*+-.^_`|~",
    excluded: false,
};

/// A token, and what servers leave unquoted although it is none.
const UNQUOTED: Class = Class {
    alphanumeric: false,
    others: b" \t,;\"",
    excluded: true,
};

/// RFC 9110 11.2, without the padding.
const TOKEN68: Class = Class {
    alphanumeric: true,
    others: b"+-./_~",
    excluded: false,
};

const PADDING: Class = Class {
    alphanumeric: false,
    others: b"=",
    excluded: false,
};

impl Class {
    fn has(&self, byte: u8) -> bool {
        let mut found = self.alphanumeric & byte.is_ascii_alphanumeric();
        // `contains` would search many at once, with ten times the code.
        for other in self.others {
            found |= *other == byte;
        }
        found != self.excluded
    }
}
