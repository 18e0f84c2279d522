//! A permit comes from a latch alone.

use tokenlatch::Permit;
use tokenlatch::Receipt;
use tokenlatch::TokenType;

fn main() {
    let permit = Permit {
        token: "stolen",
        token_type: TokenType::Bearer,
        receipt: Receipt::from_u64(1),
    };
    let _ = permit.token();
}
