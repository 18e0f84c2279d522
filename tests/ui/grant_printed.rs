//! A grant is not for a person.

use tokenlatch::Grant;

fn main() {
    let grant = Grant::new("token");
    println!("{grant}");
}
