//! The numbers of the trace on this machine: `trace SEED EVENTS`.

use trace::Profile;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [seed, events] = words.as_slice() else {
        return Err("usage: trace SEED EVENTS".into());
    };
    for (name, profile) in Profile::ALL {
        let played = trace::run(*profile, seed.parse()?, events.parse()?)?;
        println!("{name} {:016x}", played.number);
    }
    Ok(())
}
