//! Form bodies and HTTP Basic credentials, both of them read strictly.

use std::collections::HashMap;

/// Parameters of a form body. Empty values count as absent (RFC 6749 3.2).
#[derive(Debug, Default)]
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    /// `None` when the encoding is broken or a name occurs twice (RFC 6749 3.2).
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let mut map = HashMap::new();
        for pair in text.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if map.insert(decode(name)?, decode(value)?).is_some() {
                return None;
            }
        }
        map.retain(|_, v: &mut String| !v.is_empty());
        Some(Self(map))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Undoes `application/x-www-form-urlencoded`.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => (hex(bytes.next()?)? << 4) | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(b: u8) -> Option<u8> {
    let digit = char::from(b).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Reads `Basic` credentials. Id and secret are form encoded inside (RFC 6749 2.3.1).
pub(crate) fn basic(header: &str) -> Option<(String, String)> {
    let encoded = credentials(header, "basic")?;
    let plain = String::from_utf8(base64(encoded)?).ok()?;
    let (id, secret) = plain.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

/// What follows the scheme name, when the header has that scheme. Its name is case-insensitive.
pub(crate) fn credentials<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = header.split_once(' ').unwrap_or((header, ""));
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// Standard base64; padding may be missing but must be right when present.
fn base64(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    if bare.len() % 4 == 1 || padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut out = Vec::with_capacity(bare.len());
    let (mut bits, mut held) = (0u32, 0u32);
    for b in bare.bytes() {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = ((bits << 6) | u32::from(six)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xFF).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{Form, base64, basic, credentials};

    #[test]
    fn a_form_is_decoded() {
        let form = Form::parse(b"a=1+2&b=%C3%A9%26&c&d=").unwrap();
        assert_eq!(form.get("a"), Some("1 2"));
        assert_eq!(form.get("b"), Some("é&"));
        assert_eq!((form.get("c"), form.get("d")), (None, None));
    }

    #[test]
    fn broken_or_repeated_parameters_are_refused() {
        for body in ["a=1&a=2", "a=&a=", "a=%4", "a=%zz", "a=%ff", "a=%+1"] {
            assert!(Form::parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Form::parse(b"\xff").is_none());
    }

    #[test]
    fn base64_of_every_length_is_read() {
        assert_eq!(base64("").unwrap(), b"");
        assert_eq!(base64("Zg==").unwrap(), b"f");
        assert_eq!(base64("Zm8").unwrap(), b"fo");
        assert_eq!(base64("Zm9v").unwrap(), b"foo");
        assert_eq!(base64("Zm9vYmFy+/8=").unwrap(), b"foobar\xfb\xff");
        for bad in ["Z", "Zg=", "Zm9v=", "Zm9v====", "Zm-v", "Zm 9"] {
            assert!(base64(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        // "my%3Aid:a+b"
        let got = basic("basic bXklM0FpZDphK2I=").unwrap();
        assert_eq!(got, ("my:id".into(), "a b".into()));
        assert!(basic("Bearer bXklM0FpZDphK2I=").is_none());
        assert!(basic("Basic bm9jb2xvbg==").is_none());
    }

    #[test]
    fn the_scheme_must_be_a_whole_word() {
        assert_eq!(credentials("BEARER  x", "bearer"), Some("x"));
        assert_eq!(credentials("Bearer", "bearer"), Some(""));
        assert_eq!(credentials("Bearerx", "bearer"), None);
    }
}
