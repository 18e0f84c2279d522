//! Answers of token endpoints: a line is a shape, a status and the body in hexadecimal, the answer what it means.

use std::io;
use std::io::BufRead;
use std::io::Write;

use tokenlatch::Expiry;
use tokenlatch::GrantError;
use tokenlatch::ResponseShape;
use tokenlatch::TokenFailure;
use tokenlatch::TokenType;
use tokenlatch::response;

use crate::hex;
use crate::unhex;

/// RFC 6749, and an envelope as many servers have it; as in `test/answers.test.mjs`.
fn shape(number: &str) -> ResponseShape {
    let mut shape = ResponseShape::RFC6749;
    if number == "1" {
        shape.access_token = "data.token";
        shape.refresh_token = Some("data.refreshToken");
        shape.expiry = Some("data.expireAt");
        shape.expiry_form = tokenlatch::ExpiryForm::AtMilliseconds;
        shape.token_type = None;
        shape.scope = Some("data.scope");
        shape.subject = Some("data.user.id");
        shape.code = Some("code");
        shape.success_codes = &["0", "OK"];
        shape.ended_codes = &["40001", "SESSION_ENDED"];
    }
    shape
}

fn failure(failure: TokenFailure) -> u32 {
    match failure {
        TokenFailure::NotSent => 0,
        TokenFailure::Lost => 1,
        TokenFailure::RateLimited => 2,
        TokenFailure::Unavailable => 3,
        TokenFailure::InvalidGrant => 4,
        TokenFailure::InteractionRequired => 5,
        TokenFailure::Misconfigured => 6,
        TokenFailure::Unusable(GrantError::Empty) => 36,
        TokenFailure::Unusable(GrantError::Lifetime) => 42,
        TokenFailure::Unusable(GrantError::TokenType) => 43,
        _ => 7,
    }
}

pub(crate) fn run(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let line = line?;
        let mut words = line.split(' ');
        let shape = shape(words.next().unwrap_or_default());
        let (status, body) = (words.next(), words.next());
        let status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut body = unhex(body.unwrap_or_default());
        match response::parse(&shape, status, &mut body) {
            Err(why) => writeln!(output, "{}", failure(why))?,
            Ok(grant) => {
                let (form, millis) = match grant.expiry {
                    Expiry::Unknown => (0, 0),
                    Expiry::In(millis) => (1, millis),
                    Expiry::At(millis) => (2, millis),
                };
                let dpop = if grant.token_type == TokenType::Dpop {
                    4
                } else {
                    0
                };
                let texts = [
                    grant.access_token,
                    grant.refresh_token.unwrap_or_default(),
                    grant.scope.unwrap_or_default(),
                    grant.subject.unwrap_or_default(),
                ];
                let texts = texts.map(|text| hex(text.as_bytes())).join(",");
                writeln!(output, "{texts},{},{millis}", form + dpop)?;
            }
        }
        // Who asks waits for the answer.
        output.flush()?;
    }
    Ok(())
}
