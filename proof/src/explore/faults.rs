//! The checker is checked: with each seeded fault on, the exploration must find a broken promise.

use std::error::Error;

#[cfg(not(tokenlatch_faults))]
mod without {
    use super::Error;

    const NONE: &str = "built without the seeded faults: use `cargo xtask explore`";

    pub(crate) fn command(_small: bool) -> Result<(), Box<dyn Error>> {
        Err(NONE.into())
    }

    pub(crate) fn print(_name: &str) -> Result<(), Box<dyn Error>> {
        Err(NONE.into())
    }

    pub(crate) const fn switch_on_what_the_environment_names() {}
}

#[cfg(not(tokenlatch_faults))]
pub(crate) use without::*;

#[cfg(tokenlatch_faults)]
pub(crate) use with::*;

#[cfg(tokenlatch_faults)]
mod with {
    use super::super::replay;
    use super::super::search::Found;
    use super::super::search::Search;
    use super::super::space;
    use super::super::space::Space;
    use super::super::transcript;
    use super::Error;
    use std::sync::Arc;
    use tokenlatch::fault;

    /// States of each space that are looked at, first all spaces a little, then more.
    const ROUNDS: [usize; 4] = [2_000, 10_000, 60_000, 300_000];

    type Spaces = [Arc<Space>];

    /// The first violation, with the fault that is on.
    fn find<'a>(spaces: &'a Spaces, rounds: &[usize]) -> Option<(&'a Arc<Space>, usize, Found)> {
        let tries = rounds
            .iter()
            .flat_map(|most| spaces.iter().map(move |space| (*most, space)));
        tries.into_iter().find_map(|(most, space)| {
            let report = Search::new(space).run(most, false);
            report.found.map(|found| (space, report.states, found))
        })
    }

    fn all() -> Vec<Arc<Space>> {
        space::all().into_iter().map(Arc::new).collect()
    }

    /// Looks for a violation with each fault in turn. Fails if one is not found, or if the test that is printed for it
    /// does not fail with the fault, or does without.
    pub(crate) fn command(small: bool) -> Result<(), Box<dyn Error>> {
        let rounds = if small { &ROUNDS[..3] } else { &ROUNDS[..] };
        let spaces = all();
        let mut missed = Vec::new();
        for (number, (name, promise)) in (1..).zip(fault::ALL) {
            fault::set(number);
            let Some((space, states, found)) = find(&spaces, rounds) else {
                missed.push(*name);
                continue;
            };
            let again = replay::go(space, &found.path);
            if again != Err(found.violation) {
                return Err(format!("{name}: {}, then {again:?}", found.violation).into());
            }
            fault::set(0);
            let without = replay::go(space, &found.path);
            if without.is_err() {
                return Err(format!("{name}: {without:?} without the fault too").into());
            }
            println!(
                "| {name} | {promise} | {:?} | {} | {} | {states} |",
                found.violation.promise,
                space.name,
                found.path.len(),
            );
        }
        fault::set(0);
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!("not found: {}", missed.join(", ")).into())
        }
    }

    /// Prints the test of one fault.
    pub(crate) fn print(name: &str) -> Result<(), Box<dyn Error>> {
        switch_on(name)?;
        let spaces = all();
        let (space, _, found) = find(&spaces, &ROUNDS).ok_or("not found")?;
        print!("{}", transcript::test(space, &found.path, &found.violation));
        Ok(())
    }

    fn switch_on(name: &str) -> Result<(), Box<dyn Error>> {
        let number = (1..).zip(fault::ALL).find(|(_, known)| known.0 == name);
        let (number, _) = number.ok_or_else(|| format!("there is no fault `{name}`"))?;
        fault::set(number);
        Ok(())
    }

    /// `FAULT`, for a printed test.
    pub(crate) fn switch_on_what_the_environment_names() {
        if let Ok(name) = std::env::var("FAULT") {
            switch_on(&name).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
