//! What must hold for any `WWW-Authenticate`. Shared by the fuzz target and the tests.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use core::fmt::Write;

use tokenlatch::{Challenge, ChallengeKind};

/// In ascending order of what they say, as the documentation has it.
const ORDER: [ChallengeKind; 9] = [
    ChallengeKind::Absent,
    ChallengeKind::OtherScheme,
    ChallengeKind::NoError,
    ChallengeKind::OtherError,
    ChallengeKind::InvalidRequest,
    ChallengeKind::InvalidToken,
    ChallengeKind::InsufficientScope,
    ChallengeKind::InsufficientUserAuthentication,
    ChallengeKind::UseDpopNonce,
];

fn rank(challenge: &Challenge<'_>) -> usize {
    ORDER
        .iter()
        .position(|kind| *kind == challenge.kind())
        .expect("a listed kind")
}

/// The input is one header a line.
pub(crate) fn check(data: &[u8]) {
    check_any_bytes(data);
    check_well_formed(data);
}

fn check_any_bytes(data: &[u8]) {
    let headers: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let challenge = Challenge::parse(headers.iter().copied());
    assert_ne!(challenge.kind(), ChallengeKind::Absent);

    // Several headers say what the first of the best of them says.
    let alone: Vec<_> = headers
        .iter()
        .map(|header| Challenge::parse([*header]))
        .collect();
    let best = alone
        .iter()
        .rev()
        .max_by_key(|challenge| rank(challenge))
        .expect("one header or more");
    assert_eq!(challenge, *best);

    // Written down again, it says the same.
    let details = Details::of(&challenge);
    let header = details.write();
    assert_eq!(
        Details::of(&Challenge::parse([header.as_bytes()])),
        details,
        "{header}"
    );

    // A header that says less changes nothing; one that says the most wins.
    let with = |header: &'static str| {
        let added = core::iter::once(header.as_bytes());
        Challenge::parse(headers.iter().copied().chain(added))
    };
    assert_eq!(with("Negotiate"), challenge);
    assert_eq!(
        with("DPoP error=\"use_dpop_nonce\"").kind(),
        ChallengeKind::UseDpopNonce
    );
}

#[derive(Debug, PartialEq, Eq, Clone, Default)]
struct Details {
    kind: ChallengeKind,
    realm: Option<String>,
    scope: Option<String>,
    acr_values: Option<String>,
    max_age: Option<u64>,
}

impl Details {
    fn of(challenge: &Challenge<'_>) -> Self {
        Self {
            kind: challenge.kind(),
            realm: challenge.realm().map(|value| value.to_string()),
            scope: challenge.scope().map(|value| value.to_string()),
            acr_values: challenge.acr_values().map(|value| value.to_string()),
            max_age: challenge.max_age(),
        }
    }

    fn write(&self) -> String {
        let scheme = if self.kind == ChallengeKind::OtherScheme {
            "Other"
        } else {
            "bEARER"
        };
        let mut parameters = Vec::new();
        let mut add =
            |name: &str, value: &str| parameters.push(format!("{name}={}", quoted(value)));
        match self.kind {
            ChallengeKind::OtherScheme | ChallengeKind::NoError => {}
            kind => add("error", kind.name()),
        }
        for (name, value) in [
            ("realm", &self.realm),
            ("scope", &self.scope),
            ("acr_values", &self.acr_values),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        if let Some(seconds) = self.max_age {
            add("max_age", &seconds.to_string());
        }
        format!("{scheme} {}", parameters.join(", "))
    }
}

/// RFC 9110 5.6.4.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text + "\""
}

/// Well-formed headers, their content and their spelling chosen by the bytes, read as they were meant.
fn check_well_formed(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut pick = |limit: usize| usize::from(bytes.next().unwrap_or(0)) % limit;
    let mut best = Details::default();
    let mut headers = vec![String::new()];
    for _ in 0..pick(5) {
        let mut details = Details {
            kind: ChallengeKind::OtherScheme,
            ..Details::default()
        };
        let mut text = String::new();
        match pick(6) {
            0 => text.push_str("Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gJDAi=="),
            1 => text.push_str("Negotiate"),
            scheme => {
                text.push_str(["Basic", "Bearer", "bearer", "DPOP"][scheme - 2]);
                let is_ours = scheme > 2;
                if is_ours {
                    details.kind = ChallengeKind::NoError;
                }
                let mut separator = " ";
                let mut max_age = None;
                for _ in 0..pick(6) {
                    let name = [
                        "error",
                        "realm",
                        "scope",
                        "Acr_Values",
                        "max_age",
                        "error_description",
                    ][pick(6)];
                    let value = [
                        "invalid_token",
                        "use_dpop_nonce",
                        "insufficient_scope",
                        "a b",
                        "q\"u\\o,te",
                        "300",
                        "Basic error=\"x\"",
                        "",
                        "Bearer",
                        "insufficient_user_authentication",
                        "\u{e9}",
                        "invalid_request",
                        "=",
                        ", ",
                    ][pick(14)];
                    let is_token = value
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    let unquoted = is_token && !value.is_empty() && pick(2) == 0;
                    let value_text = if unquoted {
                        value.to_string()
                    } else {
                        quoted(value)
                    };
                    let equals = ["=", " = ", "= ", "\t="][pick(4)];
                    write!(text, "{separator}{name}{equals}{value_text}")
                        .expect("a string takes it");
                    separator = [", ", ",", " ,, ", "\t,\t"][pick(4)];
                    let owned = || value.to_string();
                    match name {
                        "error" if details.kind == ChallengeKind::NoError => {
                            let known = ORDER[3..].iter().find(|kind| kind.name() == value);
                            details.kind = known.copied().unwrap_or(ChallengeKind::OtherError);
                        }
                        "realm" => details.realm = details.realm.or_else(|| Some(owned())),
                        "scope" => details.scope = details.scope.or_else(|| Some(owned())),
                        "Acr_Values" => {
                            details.acr_values = details.acr_values.or_else(|| Some(owned()));
                        }
                        "max_age" => max_age = max_age.or(Some(value)),
                        _ => {}
                    }
                }
                // The first counts, number or not.
                details.max_age = max_age.and_then(|value| value.parse().ok());
            }
        }
        let position = |kind| ORDER.iter().position(|known| *known == kind);
        if position(details.kind) > position(best.kind) {
            best = details;
        }
        let last = headers.last_mut().expect("there is one");
        match (last.is_empty(), pick(3)) {
            (true, _) => last.push_str(&text),
            (false, 0) => headers.push(text),
            (false, _) => write!(last, ", {text}").expect("a string takes it"),
        }
    }
    headers.retain(|header| !header.is_empty());
    let challenge = Challenge::parse(headers.iter().map(|header| header.as_bytes()));
    assert_eq!(Details::of(&challenge), best, "{headers:?}");
}
