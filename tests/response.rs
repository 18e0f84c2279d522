//! Answers of a token endpoint.
#![cfg(feature = "json")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

#[path = "fuzz_props/response.rs"]
mod props;

use tokenlatch::response::{MAX_DEPTH, MAX_EXPIRY_MS, MAX_LIFETIME_MS, parse};
use tokenlatch::{Expiry, ExpiryForm, Grant, GrantError, ResponseShape, TokenFailure, TokenType};

const RFC: ResponseShape = ResponseShape::RFC6749;

const EXAMPLE: &str = r#"{
  "access_token":"2YotnFZFEjr1zCsicMWpAA",
  "token_type":"Bearer",
  "expires_in":3600,
  "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
  "example_parameter":"example_value"
}"#;

/// The answer lives as long as the test: a grant borrows it.
fn read<'a>(
    shape: &ResponseShape,
    status: u16,
    body: impl AsRef<[u8]>,
) -> Result<Grant<'a>, TokenFailure> {
    parse(shape, status, body.as_ref().to_vec().leak())
}

fn ok<'a>(body: impl AsRef<[u8]>) -> Grant<'a> {
    let body = body.as_ref();
    read(&RFC, 200, body).unwrap_or_else(|e| panic!("{e:?}: {}", String::from_utf8_lossy(body)))
}

fn failure(status: u16, body: impl AsRef<[u8]>) -> TokenFailure {
    let body = body.as_ref();
    read(&RFC, status, body).expect_err(&String::from_utf8_lossy(body))
}

fn wrapped() -> ResponseShape {
    props::shapes()[1]
}

fn expiry(form: ExpiryForm, number: &str) -> Result<Expiry, TokenFailure> {
    let mut shape = RFC;
    shape.expiry_form = form;
    read(
        &shape,
        200,
        format!(r#"{{"access_token":"t","expires_in":{number}}}"#),
    )
    .map(|grant| grant.expiry)
}

#[test]
fn rfc6749_5_1_a_successful_answer() {
    let grant = ok(EXAMPLE);
    assert_eq!(grant.access_token, "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(grant.refresh_token, Some("tGzv3JOkF0XG5Qx2TlKWIA"));
    assert_eq!(grant.expiry, Expiry::In(3_600_000));
    assert_eq!(grant.token_type, TokenType::Bearer);
    assert_eq!((grant.scope, grant.subject), (None, None));
    assert_eq!((grant.server_time, grant.app_data), (None, None));
}

#[test]
fn rfc6749_7_1_an_unknown_token_type_is_not_used() {
    let verbatim = EXAMPLE.replace("Bearer", "example");
    assert_eq!(
        failure(200, verbatim),
        TokenFailure::Unusable(GrantError::TokenType)
    );
    for value in [
        "\"\"",
        "\"mac\"",
        "\"Bearer \"",
        "1",
        "true",
        "[\"Bearer\"]",
        "{}",
    ] {
        let body = format!(r#"{{"access_token":"t","token_type":{value}}}"#);
        assert_eq!(
            failure(200, body),
            TokenFailure::Unusable(GrantError::TokenType),
            "{value}"
        );
    }
}

#[test]
fn the_token_type_is_read_in_any_case_and_may_be_absent() {
    let token_type =
        |value: &str| ok(format!(r#"{{"access_token":"t","token_type":{value}}}"#)).token_type;
    for value in [
        "\"Bearer\"",
        "\"bearer\"",
        "\"BEARER\"",
        "\"\\u0062earer\"",
        "null",
    ] {
        assert_eq!(token_type(value), TokenType::Bearer, "{value}");
    }
    for value in ["\"DPoP\"", "\"dpop\"", "\"DPOP\""] {
        assert_eq!(token_type(value), TokenType::Dpop, "{value}");
    }
    assert_eq!(ok(r#"{"access_token":"t"}"#).token_type, TokenType::Bearer);
}

#[test]
fn rfc9449_5_a_dpop_answer() {
    let grant = ok(r#"{
      "access_token": "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
      "token_type": "DPoP",
      "expires_in": 2677,
      "refresh_token": "Q..Zkm29lexi8VnWg2zPW1x-tgGad0Ibc3s3EwM_Ni4-g"
    }"#);
    assert_eq!(grant.token_type, TokenType::Dpop);
    assert_eq!(
        grant.access_token,
        "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    );
    assert_eq!(grant.expiry, Expiry::In(2_677_000));
}

#[test]
fn rfc6749_5_2_an_error_answer() {
    assert_eq!(
        failure(400, "{\r\n  \"error\":\"invalid_request\"\r\n}"),
        TokenFailure::Misconfigured
    );
}

#[test]
fn every_named_code_has_its_meaning() {
    use TokenFailure as F;
    let table = [
        ("invalid_grant", F::InvalidGrant),
        ("mfa_required", F::InteractionRequired),
        ("interaction_required", F::InteractionRequired),
        ("login_required", F::InteractionRequired),
        ("consent_required", F::InteractionRequired),
        ("account_selection_required", F::InteractionRequired),
        ("invalid_client", F::Misconfigured),
        ("unauthorized_client", F::Misconfigured),
        ("unsupported_grant_type", F::Misconfigured),
        ("invalid_scope", F::Misconfigured),
        ("invalid_request", F::Misconfigured),
        ("invalid_dpop_proof", F::Misconfigured),
        ("bad_refresh_token", F::InvalidGrant),
        ("temporarily_unavailable", F::Unavailable),
        ("server_error", F::Unavailable),
        ("slow_down", F::RateLimited),
        ("rate_limit_exceeded", F::RateLimited),
        ("too_many_requests", F::RateLimited),
        ("over_request_rate_limit", F::RateLimited),
        ("Invalid_Grant", F::Unrecognized),
        ("invalid_grants", F::Unrecognized),
        ("invalid_gran", F::Unrecognized),
        ("use_dpop_nonce", F::Unrecognized),
        ("teapot", F::Unrecognized),
    ];
    for (code, expected) in table {
        for status in [200, 400, 401, 403] {
            for body in [
                format!(r#"{{"error":"{code}"}}"#),
                format!(r#"{{"error_description":"x","access_token":"t","error":"{code}"}}"#),
                format!(
                    r#"{{"error":"\u{:04x}{}"}}"#,
                    u32::from(code.as_bytes()[0]),
                    &code[1..]
                ),
            ] {
                assert_eq!(failure(status, &body), expected, "{status} {body}");
            }
        }
    }
}

#[test]
fn s90_200_with_an_oauth_error_in_the_body_is_an_error() {
    assert_eq!(
        failure(200, r#"{"error":"invalid_grant"}"#),
        TokenFailure::InvalidGrant
    );
    let both = r#"{"access_token":"t","error":"invalid_grant"}"#;
    assert_eq!(failure(200, both), TokenFailure::InvalidGrant);
    let odd = r#"{"access_token":"t","error":{"message":"no","code":190}}"#;
    assert_eq!(failure(200, odd), TokenFailure::Unrecognized);
    for odd in ["[]", "1", "true", "-1"] {
        let body = format!(r#"{{"access_token":"t","error":{odd}}}"#);
        assert_eq!(failure(200, body), TokenFailure::Unrecognized);
    }
}

#[test]
fn an_error_that_is_empty_null_false_or_zero_is_none() {
    for none in ["\"\"", "null", "false", "0"] {
        assert_eq!(
            ok(format!(r#"{{"access_token":"t","error":{none}}}"#)).access_token,
            "t"
        );
    }
}

#[test]
fn s93_429_and_5xx_count_before_the_body() {
    for body in [EXAMPLE, r#"{"error":"invalid_grant"}"#, "<html>", "", "{"] {
        assert_eq!(failure(429, body), TokenFailure::RateLimited);
        for status in [500, 502, 503, 504, 520, 599] {
            assert_eq!(failure(status, body), TokenFailure::Unavailable);
        }
    }
}

#[test]
fn no_other_status_is_evidence() {
    for body in [EXAMPLE, r#"{"error":"invalid_grant"}"#, "<html>", "", "{"] {
        for status in [0, 1, 100, 199, 300, 302, 304, 399, 600, 999, u16::MAX] {
            assert_eq!(failure(status, body), TokenFailure::Unrecognized);
        }
    }
}

#[test]
fn a_4xx_without_a_known_code_keeps_the_session() {
    for status in [400, 401, 403, 404, 407, 418, 451, 499] {
        for body in [
            "",
            "{}",
            "<html>Access denied</html>",
            EXAMPLE,
            r#"{"error":null}"#,
            r#"{"message":"x"}"#,
        ] {
            assert_eq!(failure(status, body), TokenFailure::Unrecognized);
        }
        let cut = r#"{"error":"invalid_grant","error_desc"#;
        assert_eq!(failure(status, cut), TokenFailure::Unrecognized);
    }
}

#[test]
fn a_captive_portal_keeps_the_session() {
    for body in [
        &b"<!DOCTYPE html><html><body>Sign in to Wi-Fi</body></html>"[..],
        b"\xEF\xBB\xBF<html>{\"access_token\":\"t\"}</html>",
        b"",
        b" \r\n",
        b"\xEF\xBB\xBF",
        b"OK",
        b"null",
        b"\"{}\"",
        b"[{\"access_token\":\"t\"}]",
        b"access_token=t&token_type=bearer",
        b"\xFF\xFE{\0}\0",
        b"\0",
    ] {
        assert_eq!(failure(200, body), TokenFailure::Unrecognized, "{body:?}");
    }
}

#[test]
fn an_answer_that_was_cut_off_is_lost() {
    for end in 1..EXAMPLE.len() {
        assert_eq!(
            failure(200, &EXAMPLE[..end]),
            TokenFailure::Lost,
            "{}",
            &EXAMPLE[..end]
        );
    }
    assert_eq!(failure(200, ""), TokenFailure::Unrecognized);
    assert_eq!(failure(200, " \u{feff}{"), TokenFailure::Unrecognized);
    assert_eq!(failure(200, "\u{feff} {"), TokenFailure::Lost);
}

#[test]
fn every_cut_of_every_kind_of_body_is_refused() {
    let body = r#"{"a":[1,-2.5e+3,{"b":[]},true,false,null,"\u00e9\ud83d\ude00\\"],"access_token":"t","z":{}}"#;
    assert_eq!(ok(body).access_token, "t");
    for end in 1..body.len() {
        assert_eq!(
            failure(200, &body[..end]),
            TokenFailure::Lost,
            "{}",
            &body[..end]
        );
    }
}

#[test]
fn what_is_not_json_is_no_grant() {
    for bad in [
        "01",
        "+1",
        ".5",
        "1.",
        "-",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "tru",
        "truee",
        "nul",
        "True",
        "'a'",
        "",
        "{",
        "[",
        "[1",
        "[,]",
        "[,1]",
        "[1,]",
        "[1 2]",
        "[1:2]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
        "\"\t\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\\u12G4\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83d\\n\"",
        "\"\\ude00\\ud83d\"",
        "\"\\",
        "1 2",
        "\u{b}1",
        "\u{c}1",
        "\u{a0}1",
        "/**/1",
    ] {
        for body in [
            format!(r#"{{"access_token":"t","x":{bad}}}"#),
            format!(r#"{{"x":[{bad}1],"access_token":"t"}}"#)
                .replace("1]", if bad.is_empty() { ",]" } else { "]" }),
        ] {
            assert_eq!(failure(200, &body), TokenFailure::Lost, "{body}");
        }
    }
    let raw = b"{\"access_token\":\"t\",\"x\":\"\xFF\"}";
    assert_eq!(failure(200, raw), TokenFailure::Lost);
}

#[test]
fn nothing_may_follow_but_space() {
    assert_eq!(
        ok("\r\n\t {\"access_token\" :\t\"t\"\r\n} \r\n\t").access_token,
        "t"
    );
    for end in ["x", "{}", ",", "}", "\0", "\u{c}", "null"] {
        assert_eq!(
            failure(200, format!("{{\"access_token\":\"t\"}}{end}")),
            TokenFailure::Lost,
            "{end:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(
        ok(format!("\u{feff}{EXAMPLE}")).access_token,
        "2YotnFZFEjr1zCsicMWpAA"
    );
    assert_eq!(
        failure(400, "\u{feff}{\"error\":\"invalid_grant\"}"),
        TokenFailure::InvalidGrant
    );
    assert_eq!(
        failure(200, format!("\u{feff}\u{feff}{EXAMPLE}")),
        TokenFailure::Unrecognized
    );
}

#[test]
fn line_ends_do_not_matter() {
    assert_eq!(ok(EXAMPLE.replace('\n', "\r\n")), ok(EXAMPLE));
    assert_eq!(ok(EXAMPLE.replace(['\n', ' '], "")), ok(EXAMPLE));
}

#[test]
fn a_success_without_a_token_is_unusable() {
    for body in [
        "{}",
        r#"{"access_token":null}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":12345}"#,
        r#"{"access_token":true}"#,
        r#"{"access_token":["t"]}"#,
        r#"{"access_token":{"access_token":"t"}}"#,
        r#"{"data":{"access_token":"t"}}"#,
        r#"{"Access_Token":"t"}"#,
        r#"{"access_token ":"t","access_toke":"t","access_token.":"t"}"#,
        r#"[]"#.replace("[]", r#"{"x":[{"access_token":"t"}]}"#).as_str(),
        r#"{"status":"ok"}"#,
    ] {
        assert_eq!(
            failure(200, body),
            TokenFailure::Unusable(GrantError::Empty),
            "{body}"
        );
    }
}

#[test]
fn an_empty_refresh_token_scope_or_subject_is_absent() {
    let mut shape = RFC;
    shape.subject = Some("sub");
    for value in ["\"\"", "null", "true", "[\"x\"]", "{}"] {
        let body = format!(
            r#"{{"access_token":"t","refresh_token":{value},"scope":{value},"sub":{value}}}"#
        );
        let grant = read(&shape, 200, body).expect("a grant");
        assert_eq!(
            (grant.refresh_token, grant.scope, grant.subject),
            (None, None, None),
            "{value}"
        );
    }
}

#[test]
fn the_subject_may_be_a_number_and_the_scope_may_not() {
    let mut shape = RFC;
    shape.subject = Some("sub");
    let read = |value: &str| {
        let body = format!(
            r#"{{"access_token":"t","sub":{value},"scope":{value},"refresh_token":{value}}}"#
        );
        read(&shape, 200, body).expect("a grant")
    };
    let grant = read("12345678901234567890123");
    assert_eq!(
        (grant.subject, grant.scope, grant.refresh_token),
        (Some("12345678901234567890123"), None, None)
    );
    let grant = read("\"u\"");
    assert_eq!(
        (grant.subject, grant.scope, grant.refresh_token),
        (Some("u"), Some("u"), Some("u"))
    );
}

#[test]
fn escapes_are_undone_in_place() {
    let cases = [
        (r"a\/b", "a/b"),
        (r"\u0041", "A"),
        (r"\u00E9\u00e9", "\u{e9}\u{e9}"),
        (r"\u20ac!", "\u{20ac}!"),
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"x\uDBFF\uDFFFy", "x\u{10ffff}y"),
        (r#"\"\\\b\f\n\r\t"#, "\"\\\u{8}\u{c}\n\r\t"),
        (r"\\u0041", r"\u0041"),
        (r"\\\\n", r"\\n"),
        (r"\u005cn", r"\n"),
        (r"\u0000", "\0"),
        ("caf\u{e9} \u{1f600}", "caf\u{e9} \u{1f600}"),
        ("\u{7f}", "\u{7f}"),
    ];
    for (raw, expected) in cases {
        let body =
            format!(r#"{{"scope":"{raw}","access_token":"{raw}","refresh_token":"{raw}-{raw}"}}"#);
        let grant = ok(&body);
        assert_eq!(grant.access_token, expected, "{body}");
        assert_eq!(grant.scope, Some(expected), "{body}");
        assert_eq!(
            grant.refresh_token,
            Some(format!("{expected}-{expected}").as_str()),
            "{body}"
        );
    }
}

#[test]
fn escapes_in_keys_and_numbers_are_undone() {
    let grant = ok(r#"{"access\u005Ftoken":"t","expires_in":"\u0037\u0032"}"#);
    assert_eq!(
        (grant.access_token, grant.expiry),
        ("t", Expiry::In(72_000))
    );
}

#[test]
fn two_fields_may_have_the_same_path() {
    let mut shape = RFC;
    shape.refresh_token = Some("access_token");
    shape.subject = Some("access_token");
    let grant = read(&shape, 200, r#"{"access_token":"\\\\n\u0041"}"#).expect("a grant");
    assert_eq!(grant.access_token, "\\\\nA");
    assert_eq!(
        (grant.refresh_token, grant.subject),
        (Some("\\\\nA"), Some("\\\\nA"))
    );
}

#[test]
fn of_equal_members_the_first_that_is_not_null_counts() {
    let grant = ok(
        r#"{"access_token":null,"access_token":"a","access_token":"b","expires_in":1,"expires_in":-1}"#,
    );
    assert_eq!((grant.access_token, grant.expiry), ("a", Expiry::In(1000)));
    let body = r#"{"error":"server_error","error":"invalid_grant"}"#;
    assert_eq!(failure(400, body), TokenFailure::Unavailable);
    let body = r#"{"access_token":"","access_token":"b"}"#;
    assert_eq!(
        failure(200, body),
        TokenFailure::Unusable(GrantError::Empty)
    );
    let body = r#"{"code":0,"data":{},"data":1,"data":{"token":"a"},"data":{"token":"b"}}"#;
    assert_eq!(
        read(&wrapped(), 200, body).expect("a grant").access_token,
        "a"
    );
}

#[test]
fn nested_paths_are_followed() {
    let body = r#"{"token":"no","data":{"user":{"id":42,"token":"no"},"token":"t","refreshToken":"r",
        "scope":"a b","data":{"token":"no"},"expireAt":"1767225600000"},"user":{"id":1},"code":0}"#;
    let grant = read(&wrapped(), 200, body).expect("a grant");
    assert_eq!((grant.access_token, grant.refresh_token), ("t", Some("r")));
    assert_eq!((grant.scope, grant.subject), (Some("a b"), Some("42")));
    assert_eq!(grant.expiry, Expiry::At(1_767_225_600_000));
}

#[test]
fn a_path_does_not_lead_into_arrays_or_other_objects() {
    for data in [
        r#"[{"token":"no"}]"#,
        r#"[["token","no"]]"#,
        r#"{"x":{"token":"no"}}"#,
        r#"{"token.":"no","":{"token":"no"}}"#,
        r#""token""#,
        "null",
    ] {
        let body = format!(
            r#"{{"data":{data},"token":"no","data.token":"no","x":{{"data":{{"token":"no"}}}}}}"#
        );
        let result = read(&wrapped(), 200, &body);
        assert_eq!(
            result,
            Err(TokenFailure::Unusable(GrantError::Empty)),
            "{body}"
        );
    }
}

#[test]
fn result_codes_are_compared_by_their_text() {
    let read = |code: &str| {
        read(
            &wrapped(),
            200,
            format!(r#"{{"code":{code},"data":{{"token":"t"}}}}"#),
        )
    };
    for code in ["0", "\"0\"", "\"OK\"", "\"\\u0030\"", "null", "\"\""] {
        assert_eq!(read(code).expect("a grant").access_token, "t", "{code}");
    }
    for code in [
        "40001",
        "\"40001\"",
        "\"SESSION_ENDED\"",
        "\"invalid_grant\"",
    ] {
        assert_eq!(read(code), Err(TokenFailure::InvalidGrant), "{code}");
    }
    for code in [
        "1", "-0", "0.0", "00", "\"ok\"", "40001.0", "4e4", "true", "false", "{}", "[0]",
    ] {
        let expected = if code == "00" {
            TokenFailure::Lost
        } else {
            TokenFailure::Unrecognized
        };
        assert_eq!(read(code), Err(expected), "{code}");
    }
    assert_eq!(read("\"slow_down\""), Err(TokenFailure::RateLimited));
}

#[test]
fn without_a_result_code_the_token_decides() {
    let shape = wrapped();
    assert_eq!(
        read(&shape, 200, r#"{"data":{"token":"t"}}"#)
            .expect("a grant")
            .access_token,
        "t"
    );
    let empty = Err(TokenFailure::Unusable(GrantError::Empty));
    assert_eq!(read(&shape, 200, r#"{"code":0,"data":null}"#), empty);
    assert_eq!(
        read(&shape, 400, r#"{"code":0,"data":{"token":"t"}}"#),
        Err(TokenFailure::Unrecognized)
    );
}

#[test]
fn a_flag_may_be_the_code() {
    let mut shape = wrapped();
    shape.code = Some("success");
    shape.success_codes = &["true"];
    assert!(read(&shape, 200, r#"{"success":true,"data":{"token":"t"}}"#).is_ok());
    let refused = read(&shape, 200, r#"{"success":false,"data":{"token":"t"}}"#);
    assert_eq!(refused, Err(TokenFailure::Unrecognized));
}

#[test]
fn paths_that_are_not_configured_find_nothing() {
    let mut shape = RFC;
    (shape.refresh_token, shape.expiry, shape.token_type) = (None, None, None);
    (shape.scope, shape.code) = (None, None);
    let body = r#"{"access_token":"t","refresh_token":"r","expires_in":-1,"token_type":"x","scope":"s","error":"e","":"x"}"#;
    let grant = read(&shape, 200, body).expect("a grant");
    let mut expected = Grant::default();
    expected.access_token = "t";
    assert_eq!(grant, expected);
}

#[test]
fn a_lifetime_may_be_in_any_of_four_forms() {
    assert_eq!(
        expiry(ExpiryForm::InSeconds, "7200"),
        Ok(Expiry::In(7_200_000))
    );
    assert_eq!(
        expiry(ExpiryForm::InMilliseconds, "7200"),
        Ok(Expiry::In(7200))
    );
    assert_eq!(
        expiry(ExpiryForm::AtSeconds, "1767225600"),
        Ok(Expiry::At(1_767_225_600_000))
    );
    assert_eq!(
        expiry(ExpiryForm::AtMilliseconds, "1767225600123"),
        Ok(Expiry::At(1_767_225_600_123))
    );
}

#[test]
fn s89_a_lifetime_may_be_a_string_or_a_float() {
    for number in [
        "7200",
        "7200.0",
        "7200.999",
        "7.2e3",
        "7.2E+03",
        "72000e-1",
        "0.72e4",
        "0.0000072e9",
        "720000000000e-8",
    ] {
        assert_eq!(
            expiry(ExpiryForm::InSeconds, number),
            Ok(Expiry::In(7_200_000)),
            "{number}"
        );
        let text = format!("\"{number}\"");
        assert_eq!(
            expiry(ExpiryForm::InSeconds, &text),
            Ok(Expiry::In(7_200_000)),
            "{text}"
        );
    }
    assert_eq!(
        expiry(ExpiryForm::AtMilliseconds, "1.7e12"),
        Ok(Expiry::At(1_700_000_000_000))
    );
    assert_eq!(
        expiry(ExpiryForm::AtSeconds, "1767225600.9"),
        Ok(Expiry::At(1_767_225_600_000))
    );
}

#[test]
fn s89_a_lifetime_that_is_not_positive_or_no_number_is_refused() {
    for form in [
        ExpiryForm::InSeconds,
        ExpiryForm::InMilliseconds,
        ExpiryForm::AtSeconds,
        ExpiryForm::AtMilliseconds,
    ] {
        for number in [
            "0",
            "-0",
            "0.0",
            "0.9",
            "1e-1",
            "1e-400",
            "0e999999999999999999999",
            "-1",
            "-3600",
            "-1e300",
            "-9223372036854775808",
            "1e-99999999999999999999",
            "true",
            "false",
            "[]",
            "{}",
            "[3600]",
            "\"0\"",
            "\"-1\"",
            "\"NaN\"",
            "\"Infinity\"",
            "\"+1\"",
            "\" 1\"",
            "\"1 \"",
            "\"1h\"",
            "\"0x10\"",
            "\"1_000\"",
            "\"01\"",
            "\"\u{0663}\"",
            "\"2026-01-01T00:00:00Z\"",
            "\"undefined\"",
            "\"null\"",
        ] {
            let refused = Err(TokenFailure::Unusable(GrantError::Lifetime));
            assert_eq!(expiry(form, number), refused, "{number}");
        }
    }
}

#[test]
fn an_absent_lifetime_is_unknown() {
    assert_eq!(ok(r#"{"access_token":"t"}"#).expiry, Expiry::Unknown);
    for number in ["null", "\"\""] {
        assert_eq!(expiry(ExpiryForm::InSeconds, number), Ok(Expiry::Unknown));
    }
}

#[test]
fn s89_a_huge_lifetime_is_capped() {
    let digits = "9".repeat(5000);
    let zeros = format!("0.{}1e5020", "0".repeat(5000));
    for number in [
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e300",
        "1e400",
        "1e99999999999999999999999",
        "1E+30",
        &digits,
        &zeros,
    ] {
        for number in [number, &format!("\"{number}\"")] {
            assert_eq!(
                expiry(ExpiryForm::InSeconds, number),
                Ok(Expiry::In(MAX_LIFETIME_MS))
            );
            assert_eq!(
                expiry(ExpiryForm::InMilliseconds, number),
                Ok(Expiry::In(MAX_LIFETIME_MS))
            );
            assert_eq!(
                expiry(ExpiryForm::AtSeconds, number),
                Ok(Expiry::At(MAX_EXPIRY_MS))
            );
            assert_eq!(
                expiry(ExpiryForm::AtMilliseconds, number),
                Ok(Expiry::At(MAX_EXPIRY_MS))
            );
        }
    }
    assert_eq!(MAX_LIFETIME_MS, 315_360_000_000);
    let below = expiry(ExpiryForm::InSeconds, "315359999");
    assert_eq!(below, Ok(Expiry::In(MAX_LIFETIME_MS - 1000)));
}

#[test]
fn a_token_of_8_kib_passes() {
    let token = "a1B-".repeat(2048);
    let body = format!(r#"{{"access_token":"{token}","refresh_token":"{token}\/"}}"#);
    let grant = ok(body);
    assert_eq!(grant.access_token, token);
    assert_eq!(grant.refresh_token, Some(format!("{token}/").as_str()));
}

#[test]
fn nesting_is_read_to_a_depth_and_never_recursed_into() {
    let body = |depth: usize, open: &str, close: &str| {
        format!(
            r#"{{"access_token":"t","x":{}1{}}}"#,
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert_eq!(ok(body(MAX_DEPTH - 1, open, close)).access_token, "t");
        assert_eq!(
            failure(200, body(MAX_DEPTH, open, close)),
            TokenFailure::Lost
        );
        assert_eq!(failure(200, body(10_000, open, close)), TokenFailure::Lost);
        assert_eq!(failure(200, body(10_000, open, "")), TokenFailure::Lost);
    }
    assert_eq!(failure(200, "[".repeat(10_000)), TokenFailure::Unrecognized);
    assert_eq!(failure(200, "{\"a\":".repeat(10_000)), TokenFailure::Lost);
}

#[test]
fn long_bodies_take_time_in_proportion() {
    for unit in [
        "1,",
        "\"\",",
        "\"\\\\\",",
        "[],",
        "{},",
        "\" \\\" \",",
        "      ,",
        "\"\\u0041\",",
    ] {
        let list = unit.trim_start().repeat(1_000_000 / unit.len());
        let body = format!(r#"{{"x":[{list}0],"access_token":"t"}}"#);
        let _ = read(&RFC, 200, body);
    }
    let members = "\"access_token_\":0,".repeat(50_000);
    assert_eq!(
        ok(format!(r#"{{{members}"access_token":"t"}}"#)).access_token,
        "t"
    );
    let token = "\\u0041\\\\".repeat(100_000);
    assert_eq!(
        ok(format!(r#"{{"access_token":"{token}"}}"#))
            .access_token
            .len(),
        200_000
    );
}

#[test]
fn the_tokens_content_is_not_judged_here() {
    for token in ["undefined", "[object Object]", "Bearer x", "a b", "\u{e9}"] {
        assert_eq!(
            ok(format!(r#"{{"access_token":"{token}"}}"#)).access_token,
            token
        );
    }
}

#[test]
fn no_byte_anywhere_makes_it_panic() {
    let body = r#"{"code":0,"data":{"token":"t\ud83d\ude00\n","expireAt":17e11,"x":[1,{"user":null}],"user":{"id":"u"}}}"#;
    for (shape, text) in [
        (0, EXAMPLE),
        (1, body),
        (2, r#"{"a":"\\\\n","b":{"c":{"d":"1.5e3","e":""}}}"#),
    ] {
        for at in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut changed = format!("200 {shape}\n{text}").into_bytes();
                changed[6 + at] = byte;
                props::check(&changed);
            }
        }
    }
}

#[test]
fn properties_hold_for_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/response");
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
fn properties_hold_for_generated_bodies() {
    const PIECES: [&str; 44] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"access_token\":",
        "\"refresh_token\":",
        "\"expires_in\":",
        "\"error\":",
        "\"data\":{",
        "\"token\":",
        "\"expireAt\":",
        "\"code\":",
        "\"user\":{",
        "\"id\":",
        "\"a\":",
        "\"b\":{",
        "\"c\":{",
        "\"d\":",
        "\"e\":",
        "\"c\":",
        "\"b\":",
        "\"t\"",
        "\"x\\n\"",
        "\"\\ud83d\\ude00\"",
        "\"\"",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "7200",
        "1.5e3",
        "\"7200\"",
        "\"invalid_grant\"",
        "40001",
        " ",
        "},",
        "\"t\",",
        "0,",
        "null,",
        "{}",
        "\"token_type\":\"dpop\",",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % limit
    };
    for _ in 0..50_000 {
        let mut body = format!("{} {}\n{{", [200, 200, 400][next(3)], next(3));
        for _ in 0..next(14) {
            body.push_str(PIECES[next(PIECES.len())]);
        }
        body.push('}');
        props::check(body.as_bytes());
    }
}
