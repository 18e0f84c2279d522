//! The checker is checked: with each seeded fault on, the exploration must find a broken promise.

#[cfg(not(tokenlatch_faults))]
pub(crate) fn command(small: bool) -> Result<(), Box<dyn std::error::Error>> {
    let _ = small;
    Err("built without the seeded faults: use `cargo xtask explore`".into())
}

/// Looks for a violation with each fault in turn; fails if one is not found, or if there is one without any fault.
#[cfg(tokenlatch_faults)]
pub(crate) fn command(small: bool) -> Result<(), Box<dyn std::error::Error>> {
    use super::search::Search;
    use super::space;
    use tokenlatch::fault;

    /// States of each space that are looked at, first all spaces a little, then more.
    const ROUNDS: [usize; 4] = [2_000, 10_000, 50_000, 300_000];
    let rounds = if small { &ROUNDS[..3] } else { &ROUNDS[..] };
    let spaces: Vec<_> = space::all().into_iter().map(std::sync::Arc::new).collect();
    let mut missed = Vec::new();
    for (number, (name, promise)) in (1..).zip(fault::ALL) {
        fault::set(number);
        let tries = rounds
            .iter()
            .flat_map(|most| spaces.iter().map(move |space| (*most, space)));
        let found = tries.into_iter().find_map(|(most, space)| {
            let report = Search::new(space).run(most, false);
            report.found.map(|found| (space, report.states, found))
        });
        match found {
            Some((space, states, found)) => println!(
                "| {name} | {promise} | {:?} | {} | {} | {states} |",
                found.violation.promise,
                space.name,
                found.path.len(),
            ),
            None => missed.push(*name),
        }
    }
    fault::set(0);
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("not found: {}", missed.join(", ")).into())
    }
}
