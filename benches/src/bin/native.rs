//! One case, to be run under callgrind, which counts what `counted` does: `bench-native PATH WHO`. Without words: the
//! paths in the order of the table, then the cases.

use std::process::ExitCode;

use benches::Case;
use benches::NOTHING;
use benches::World;
use benches::cases;

#[inline(never)]
fn counted(run: fn(&mut World), world: &mut World) {
    run(world);
    // Not the last thing here, so that this function is left and not jumped out of.
    std::hint::black_box(&world.found);
}

fn run(case: &Case) {
    let mut world = Box::<World>::default();
    (case.prepare)(&mut world);
    counted(std::hint::black_box(case.run), &mut world);
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, who] = words.as_slice() else {
        for path in benches::path::ALL {
            println!("{path}");
        }
        for case in cases() {
            println!("{}\t{}", case.path, case.who.name());
        }
        return ExitCode::SUCCESS;
    };
    let case = cases()
        .chain([&NOTHING])
        .find(|case| case.path == path && case.who.name() == who);
    match case {
        Some(case) => run(case),
        None => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}
