//! `WWW-Authenticate` challenges.

#[path = "fuzz_props/challenge.rs"]
mod props;

use tokenlatch::{Challenge, ChallengeKind};

fn parse(header: &str) -> Challenge<'_> {
    Challenge::parse([header.as_bytes()])
}

fn kind(header: &str) -> ChallengeKind {
    parse(header).kind()
}

#[test]
fn s81_without_a_header_it_is_absent() {
    let challenge = Challenge::parse([]);
    assert_eq!(challenge.kind(), ChallengeKind::Absent);
    assert_eq!(challenge, Challenge::default());
    assert_eq!(
        (challenge.realm(), challenge.scope(), challenge.max_age()),
        (None, None, None)
    );
}

#[test]
fn rfc6750_3_no_error_when_the_request_had_no_credential() {
    let challenge = parse("Bearer realm=\"example\"");
    assert_eq!(challenge.kind(), ChallengeKind::NoError);
    assert_eq!(challenge.realm().expect("it has a realm"), "example");
    assert_eq!(kind("Bearer"), ChallengeKind::NoError);
}

#[test]
fn rfc6750_3_an_expired_token() {
    let challenge = parse(
        "Bearer realm=\"example\", error=\"invalid_token\", error_description=\"The access token expired\"",
    );
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(challenge.realm().expect("it has a realm"), "example");
    assert_eq!(challenge.scope(), None);
}

#[test]
fn rfc6750_3_the_scope_that_is_needed() {
    let challenge = parse(
        "Bearer error=\"insufficient_scope\", scope=\"urn:example:channel=HBO&urn:example:rating=G,PG-13\"",
    );
    assert_eq!(challenge.kind(), ChallengeKind::InsufficientScope);
    let scope = challenge.scope().expect("it has a scope");
    assert_eq!(scope, "urn:example:channel=HBO&urn:example:rating=G,PG-13");
    assert_eq!(
        scope.to_string(),
        "urn:example:channel=HBO&urn:example:rating=G,PG-13"
    );
}

#[test]
fn rfc9449_7_1_a_dpop_challenge() {
    let challenge = parse(
        "DPoP error=\"invalid_token\", error_description=\"Invalid DPoP key binding\", algs=\"ES256\"",
    );
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(kind("DPoP algs=\"ES256 PS256\""), ChallengeKind::NoError);
    // Another token would be refused for the same proof.
    assert_eq!(
        kind("DPoP error=\"invalid_dpop_proof\""),
        ChallengeKind::InvalidRequest
    );
    assert_eq!(
        kind("Bearer, DPoP algs=\"ES256 PS256\""),
        ChallengeKind::NoError
    );
}

#[test]
fn s46_rfc9449_9_the_server_wants_a_nonce() {
    let challenge = parse(
        "DPoP error=\"use_dpop_nonce\", error_description=\"Resource server requires nonce in DPoP proof\"",
    );
    assert_eq!(challenge.kind(), ChallengeKind::UseDpopNonce);
}

#[test]
fn rfc9470_3_step_up_with_acr_values() {
    let challenge = parse(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"A different authentication level is required\", acr_values=\"myACR\"",
    );
    assert_eq!(
        challenge.kind(),
        ChallengeKind::InsufficientUserAuthentication
    );
    assert_eq!(challenge.acr_values().expect("it has them"), "myACR");
    assert_eq!(challenge.max_age(), None);
}

#[test]
fn rfc9470_3_step_up_with_max_age() {
    let challenge = parse(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"More recent authentication is required\", max_age=\"5\"",
    );
    assert_eq!(
        challenge.kind(),
        ChallengeKind::InsufficientUserAuthentication
    );
    assert_eq!(challenge.max_age(), Some(5));
    assert_eq!(challenge.acr_values(), None);
}

#[test]
fn max_age_is_a_number_or_nothing() {
    let max_age = |value: &str| parse(&format!("Bearer max_age={value}")).max_age();
    assert_eq!(max_age("0"), Some(0));
    assert_eq!(max_age("\"3\\600\""), Some(3600));
    assert_eq!(max_age("18446744073709551616"), Some(u64::MAX));
    for value in ["\"\"", "-1", "+1", "1.5", "\"5 \"", "five", "\"\u{0663}\""] {
        assert_eq!(max_age(value), None, "{value}");
    }
}

#[test]
fn rfc9110_11_6_1_other_schemes_are_told_apart() {
    let challenge = parse(
        "Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
    );
    assert_eq!(challenge.kind(), ChallengeKind::OtherScheme);
    assert_eq!(challenge.realm().expect("it has a realm"), "simple");
    for header in [
        "Negotiate",
        "NTLM",
        "Bearerish error=\"invalid_token\"",
        "Digest error=\"invalid_token\"",
        "",
        ",",
    ] {
        assert_eq!(kind(header), ChallengeKind::OtherScheme, "{header}");
    }
}

#[test]
fn s80_several_challenges_in_one_or_many_headers_the_right_one_is_chosen() {
    let challenges = [
        "Basic realm=\"a, Bearer b=c\"",
        "Negotiate oYGzMIGwoAMKAQChDA+/w==",
        "NTLM",
        "Bearer realm=\"api\", error=\"invalid_token\"",
        "Digest realm=\"x\", qop=\"auth, auth-int\", nonce=abc",
        "DPoP algs=\"ES256\"",
    ];
    for turn in 0..challenges.len() {
        let mut turned = challenges;
        turned.rotate_left(turn);
        let one = turned.join(", ");
        for challenge in [
            parse(&one),
            Challenge::parse(turned.iter().map(|header| header.as_bytes())),
            Challenge::parse([
                turned[..3].join(",").as_bytes(),
                turned[3..].join(" , ").as_bytes(),
            ]),
        ] {
            assert_eq!(challenge.kind(), ChallengeKind::InvalidToken, "{one}");
            assert_eq!(challenge.realm().expect("it has a realm"), "api", "{one}");
        }
    }
}

#[test]
fn s80_of_two_errors_the_one_that_says_more_counts() {
    let ascending = [
        ("Basic realm=\"r\"", ChallengeKind::OtherScheme),
        ("Bearer realm=\"r\"", ChallengeKind::NoError),
        ("Bearer error=\"out_of_tea\"", ChallengeKind::OtherError),
        (
            "Bearer error=\"invalid_request\"",
            ChallengeKind::InvalidRequest,
        ),
        (
            "Bearer error=\"invalid_token\"",
            ChallengeKind::InvalidToken,
        ),
        (
            "Bearer error=\"insufficient_scope\"",
            ChallengeKind::InsufficientScope,
        ),
        (
            "Bearer error=\"insufficient_user_authentication\"",
            ChallengeKind::InsufficientUserAuthentication,
        ),
        ("DPoP error=\"use_dpop_nonce\"", ChallengeKind::UseDpopNonce),
    ];
    for (at, (more, expected)) in ascending.iter().enumerate() {
        for (less, _) in &ascending[..=at] {
            assert_eq!(kind(&format!("{less}, {more}")), *expected);
            assert_eq!(kind(&format!("{more}, {less}")), *expected);
            assert_eq!(
                Challenge::parse([less.as_bytes(), more.as_bytes()]).kind(),
                *expected
            );
        }
    }
}

#[test]
fn of_equals_the_first_counts() {
    let challenge = parse(
        "Bearer scope=\"one\", error=\"invalid_token\", DPoP scope=\"two\", error=\"invalid_token\"",
    );
    assert_eq!(challenge.scope().expect("it has a scope"), "one");
}

#[test]
fn details_of_one_challenge_do_not_leak_into_another() {
    let challenge = parse(
        "Basic realm=\"files\", Bearer error=\"invalid_token\", Other scope=\"x\", max_age=1",
    );
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(
        (challenge.realm(), challenge.scope(), challenge.max_age()),
        (None, None, None)
    );
}

#[test]
fn of_a_parameter_that_comes_twice_the_first_counts() {
    let challenge = parse(
        "Bearer error=\"invalid_token\", error=\"use_dpop_nonce\", SCOPE=a, scope=b, max_age=x, max_age=1",
    );
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(challenge.scope().expect("it has a scope"), "a");
    assert_eq!(challenge.max_age(), None);
    assert_eq!(
        kind("Bearer error=odd, error=\"invalid_token\""),
        ChallengeKind::OtherError
    );
}

#[test]
fn names_are_read_in_any_case_and_codes_are_not() {
    assert_eq!(
        kind("BEARER ERROR=\"invalid_token\""),
        ChallengeKind::InvalidToken
    );
    assert_eq!(
        kind("dpop Error=invalid_token"),
        ChallengeKind::InvalidToken
    );
    assert_eq!(
        kind("Bearer error=\"Invalid_Token\""),
        ChallengeKind::OtherError
    );
}

#[test]
fn spaces_around_the_equals_sign_and_missing_quotes_are_allowed() {
    for header in [
        "Bearer error=invalid_token",
        "Bearer error = invalid_token",
        "Bearer\terror\t=\t\"invalid_token\"",
        "Bearer   realm = \"x\" ,error= \"invalid_token\"",
        ",, Bearer error=\"invalid_token\",,",
        " Bearer error=\"invalid_token\" ",
        "Bearer realm=, error=\"invalid_token\"",
        "Bearer scope=a:b/c=d, error=invalid_token",
        "Bearer realm=\"x\" error=\"invalid_token\"",
        "Bearer realm=\"x\"; error=invalid_token;",
        "Bearer, error=\"invalid_token\"",
        "Negotiate==, Bearer error=\"invalid_token\"",
        "Bearer abc==, error=\"invalid_token\"",
        "Basic Bearer error=\"invalid_token\"",
    ] {
        assert_eq!(kind(header), ChallengeKind::InvalidToken, "{header}");
    }
}

#[test]
fn quoted_pairs_are_undone() {
    let challenge = parse(r#"Bearer realm="a \"b\" \\ c, error=\"x\"", error="inv\alid_token""#);
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    let realm = challenge.realm().expect("it has a realm");
    assert_eq!(realm, r#"a "b" \ c, error="x""#);
    assert_eq!(realm.to_string(), r#"a "b" \ c, error="x""#);
    assert_eq!(realm.chars().count(), 20);
    assert_eq!(format!("{realm:?}"), r#""a \"b\" \\ c, error=\"x\"""#);
}

#[test]
fn values_are_equal_by_what_they_say() {
    let quoted = parse(r#"Bearer realm="a\b""#);
    let token = parse("Bearer realm=ab");
    assert_eq!(quoted.realm(), token.realm());
    assert_ne!(quoted.realm().expect("it has a realm"), "a");
    assert_ne!(quoted.realm().expect("it has a realm"), "abc");
}

#[test]
fn what_is_inside_quotes_is_no_challenge() {
    assert_eq!(
        kind("Basic realm=\"Bearer error=invalid_token\""),
        ChallengeKind::OtherScheme
    );
    assert_eq!(
        kind(r#"Basic realm="x\", Bearer error=\"invalid_token""#),
        ChallengeKind::OtherScheme
    );
    assert_eq!(
        kind("Bearer realm=\"x, error=invalid_token\""),
        ChallengeKind::NoError
    );
    assert_eq!(
        kind("\"Bearer error=invalid_token\""),
        ChallengeKind::OtherScheme
    );
}

#[test]
fn an_unfinished_quote_ends_with_the_header() {
    let challenge = parse("Bearer error=\"invalid_token");
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    let challenge = Challenge::parse([&b"Bearer realm=\"x\\"[..], b"DPoP error=\"invalid_token\""]);
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(
        parse("Bearer realm=\"x\\").realm().expect("it has a realm"),
        "x"
    );
}

#[test]
fn bytes_that_are_not_text_are_replaced() {
    let challenge =
        Challenge::parse([&b"Bearer realm=\"caf\xC3\xA9 \xFF\xFE!\", error=\"invalid_token\""[..]]);
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
    assert_eq!(
        challenge.realm().expect("it has a realm"),
        "caf\u{e9} \u{fffd}\u{fffd}!"
    );
    let challenge =
        Challenge::parse([&b"\x00\xFF\xC3 Bearer \xFF error=\"invalid_token\"\x80"[..]]);
    assert_eq!(challenge.kind(), ChallengeKind::InvalidToken);
}

#[test]
fn a_parameter_without_a_scheme_says_nothing() {
    assert_eq!(kind("error=\"invalid_token\""), ChallengeKind::OtherScheme);
    assert_eq!(kind("= \"x\" ="), ChallengeKind::OtherScheme);
}

/// RFC 9110 11.2: a challenge bears parameters or one token68, which may look like a parameter without a value.
#[test]
fn rfc9110_11_2_a_token68_is_no_parameter() {
    assert_eq!(kind("Bearer error="), ChallengeKind::NoError);
    assert_eq!(kind("Bearer error=, Basic"), ChallengeKind::NoError);
    for character in "+-._~/".chars() {
        let header = format!("Bearer {character}error==");
        assert_eq!(kind(&header), ChallengeKind::NoError, "{header}");
    }
    assert_eq!(kind("Bearer :error="), ChallengeKind::OtherError);
}

#[test]
fn values_that_differ_are_not_equal() {
    let (one, other) = (parse("Bearer realm=a"), parse("Bearer realm=b"));
    assert_ne!(one.realm(), other.realm());
    assert_eq!(one.realm(), parse("Bearer realm=\"\\a\"").realm());
}

#[test]
fn challenges_are_equal_by_their_kind_and_their_parameters() {
    const PARAMS: [&str; 4] = ["realm", "scope", "acr_values", "max_age"];
    let one = parse("Bearer realm=a");
    assert_eq!(one, parse("bearer  Realm=\"a\" , other=b"));
    assert_ne!(one, parse("Bearer realm=a, error=invalid_token"));
    for param in PARAMS {
        let [one, other] = [1, 2].map(|value| format!("Bearer {param}={value}"));
        assert_eq!(parse(&one), parse(&one));
        assert_ne!(parse(&one), parse(&other), "{param}");
        assert_ne!(parse(&one), parse("Bearer"), "{param}");
    }
}

#[test]
fn a_challenge_is_printed_by_what_it_says() {
    let challenge = parse("Bearer error=insufficient_scope, scope=\"a b\", other=c");
    assert_eq!(
        format!("{challenge:?}"),
        "Challenge { kind: InsufficientScope, realm: None, scope: Some(\"a b\"), acr_values: None, max_age: None }"
    );
}

#[test]
fn an_empty_error_is_an_error() {
    assert_eq!(kind("Bearer error=\"\""), ChallengeKind::OtherError);
}

#[test]
fn names_are_stable() {
    let names = [
        (ChallengeKind::Absent, "absent"),
        (ChallengeKind::OtherScheme, "other_scheme"),
        (ChallengeKind::NoError, "no_error"),
        (ChallengeKind::OtherError, "other_error"),
        (ChallengeKind::InvalidRequest, "invalid_request"),
        (ChallengeKind::InvalidToken, "invalid_token"),
        (ChallengeKind::InsufficientScope, "insufficient_scope"),
        (
            ChallengeKind::InsufficientUserAuthentication,
            "insufficient_user_authentication",
        ),
        (ChallengeKind::UseDpopNonce, "use_dpop_nonce"),
    ];
    for (kind, name) in names {
        assert_eq!(kind.name(), name);
    }
}

#[test]
fn long_headers_take_time_in_proportion() {
    for unit in [
        "Bearer ",
        "Bearer,",
        "a=\"",
        "a=",
        "\"",
        "\\\"",
        "=",
        " ",
        "a b=c ",
        "A a==",
        "\u{e9}",
        "a=\"\\\\\",",
        "a/",
    ] {
        let header = unit.repeat(1_000_000 / unit.len()) + "\"";
        let _ = kind(&header);
        assert_eq!(
            kind(&format!("DPoP error=\"use_dpop_nonce\",{header}")),
            ChallengeKind::UseDpopNonce
        );
    }
}

#[test]
fn no_byte_anywhere_and_no_cut_makes_it_panic() {
    let header = br#"Basic realm="a\"b", Negotiate ab==, Bearer error = "invalid_token", scope=x, DPoP max_age="5""#;
    for at in 0..header.len() {
        props::check(&header[..at]);
        for byte in 0..=u8::MAX {
            let mut changed = header.to_vec();
            changed[at] = byte;
            props::check(&changed);
        }
    }
}

#[test]
fn properties_hold_for_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/challenge");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).into_iter().flatten() {
        props::check(
            &std::fs::read(entry.expect("a readable folder").path()).expect("a readable file"),
        );
        count += 1;
    }
    assert!(count > 0, "no file in {corpus}");
}

#[test]
fn properties_hold_for_generated_headers() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        let data: Vec<u8> = core::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[4]
        })
        .take(80)
        .collect();
        props::check(&data);
    }
}
