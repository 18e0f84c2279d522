//! Scope lists (RFC 6749 3.3).

use std::collections::BTreeSet;
use std::fmt;

/// A set of scope tokens; order does not matter in OAuth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope(BTreeSet<String>);

impl Scope {
    /// Reads a space separated list. `None` when a character is outside the grammar.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let mut set = BTreeSet::new();
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            if !word.bytes().all(allowed) {
                return None;
            }
            set.insert(word.to_owned());
        }
        Some(Self(set))
    }

    /// Collects trusted words, such as those of the settings.
    pub(crate) fn of(words: &[String]) -> Self {
        Self(words.iter().cloned().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    pub(crate) fn within(&self, wider: &Self) -> bool {
        self.0.is_subset(&wider.0)
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn a_list_is_read_without_regard_to_order_or_repeats() {
        let a = Scope::parse("write read read").unwrap();
        assert_eq!(a.to_string(), "read write");
        assert!(Scope::parse("read").unwrap().within(&a));
        assert!(!Scope::parse("read admin").unwrap().within(&a));
    }

    #[test]
    fn characters_outside_the_grammar_are_refused() {
        assert!(Scope::parse("re\"ad").is_none());
        assert!(Scope::parse("re\\ad").is_none());
        assert!(Scope::parse("läsen").is_none());
        assert!(Scope::parse("").unwrap().is_empty());
    }
}
