//! The type that holds a secret can't be named from outside.

use tokenlatch::grant::Secret;

fn main() {
    let _: Option<Secret<8>> = None;
}
