//! `cargo xtask header`: the C header, generated from the source and compared with the one that is committed.

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::install::Capacities;
use crate::install::HEADER;
use crate::project::Project;

const TOP: &str = "xtask/header/top.h";
const MIDDLE: &str = "xtask/header/middle.h";
/// What is defined where the library records.
pub(crate) const RECORDING: &str = "TL_RECORDING";

/// What the header is made of, in its order.
const SOURCES: &[&str] = &[
    "src/numbers.rs",
    "src/capi/types.rs",
    "src/capi/setup.rs",
    "src/capi/facts.rs",
    "src/capi/grants.rs",
    "src/capi/answer.rs",
    "src/capi/shape.rs",
    "src/capi/requests.rs",
    "src/capi/orders.rs",
    "src/capi/state.rs",
    "src/capi/text.rs",
    "src/capi/helpers.rs",
    "src/capi/recording.rs",
];

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Fails if the header is not what the source says; writes it if `UPDATE` is set.
pub(crate) fn check(project: &Project) -> Result<()> {
    let made = generate(project)?;
    let path = project.root.join(HEADER);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).with_context(|| format!("cannot write {HEADER}"))?;
        println!("{HEADER}: written");
        return Ok(());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some(line) = difference(&made, &found) {
        bail!("{HEADER} differs from the source at line {line}: run `UPDATE=1 cargo xtask header`");
    }
    println!(
        "{HEADER}: {} lines, as the source says",
        made.lines().count()
    );
    Ok(())
}

/// The first line that differs.
fn difference(made: &str, found: &str) -> Option<usize> {
    if made == found {
        return None;
    }
    let same = made.lines().zip(found.lines());
    Some(same.take_while(|(made, found)| made == found).count() + 1)
}

fn generate(project: &Project) -> Result<String> {
    let text = |name: &str| {
        let text = std::fs::read_to_string(project.root.join(name));
        text.with_context(|| format!("cannot read {name}"))
    };
    let mut builder = cbindgen::Builder::new()
        .with_config(config())
        .with_header(text(TOP)?.trim_end())
        .with_after_include(middle(project, &text(MIDDLE)?)?);
    for source in SOURCES {
        builder = builder.with_src(project.root.join(source));
    }
    let mut header = Vec::new();
    builder.generate()?.write(&mut header);
    let header = String::from_utf8(header)?;
    ensure!(header.contains("tl_opened("), "no function was found");
    Ok(tidied(&header))
}

fn config() -> cbindgen::Config {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        include_guard: Some("TOKENLATCH_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::C,
        line_length: 120,
        style: cbindgen::Style::Both,
        defines: [("feature = recording".to_owned(), RECORDING.to_owned())].into(),
        ..cbindgen::Config::default()
    };
    // These are written by hand: their numbers follow from each other.
    let by_hand = [
        "tl_latch",
        "TL_LATCH_WORDS",
        "TL_TOKEN_CAPACITY",
        "TL_WAITER_CAPACITY",
        "VERSION",
    ];
    config.export.exclude = by_hand.map(str::to_owned).to_vec();
    config
}

/// The part that is written by hand, with the numbers of the package.
fn middle(project: &Project, text: &str) -> Result<String> {
    let version = project.version()?;
    let mut parts = version.split('.');
    let mut part = || parts.next().with_context(|| format!("version {version}"));
    let numbers = [
        ("@MAJOR@", part()?.to_owned()),
        ("@MINOR@", part()?.to_owned()),
        ("@PATCH@", part()?.to_owned()),
        ("@STEPS@", tokenlatch::TRACE_CAPACITY.to_string()),
        (
            "@OVERHEAD@",
            tokenlatch::Latch::<1, 1>::RECORD_CAPACITY
                .saturating_sub(2)
                .to_string(),
        ),
        ("@TOKENS@", format!("{}u", Capacities::DEFAULT.tokens)),
        ("@WAITERS@", format!("{}u", Capacities::DEFAULT.waiters)),
    ];
    let mut text = text.trim_end().to_owned();
    for (name, number) in numbers {
        ensure!(text.contains(name), "{MIDDLE} does not use {name}");
        text = text.replace(name, &number);
    }
    Ok(text)
}

/// Comments as this repository has them, numbers of a group together, and parentheses around negative ones.
fn tidied(header: &str) -> String {
    let mut lines = header.lines().peekable();
    let mut text = String::new();
    let mut group = None;
    while let Some(line) = lines.next() {
        if let Some(indent) = line
            .strip_suffix("/*")
            .filter(|indent| indent.trim().is_empty())
        {
            let inside: Vec<_> = lines
                .by_ref()
                .map(str::trim)
                .take_while(|line| *line != "*/")
                .map(without_star)
                .collect();
            text.push_str(&comment(indent, &inside));
            continue;
        }
        // One blank line fewer between the numbers of a group.
        let defined = line
            .strip_prefix("#define TL_")
            .and_then(|rest| rest.split('_').next());
        if defined.is_some() && defined == group {
            if let Some(at) = text.rfind("\n\n") {
                text.remove(at);
            }
        }
        if !line.is_empty() {
            group = defined;
        }
        text.push_str(&number(line));
        text.push('\n');
    }
    text
}

/// The lines of a comment; on one line where they fit.
fn comment(indent: &str, lines: &[&str]) -> String {
    if let [line] = lines {
        let whole = format!("{indent}/* {line} */\n");
        if whole.len() <= 121 {
            return whole;
        }
    }
    let mut text = format!("{indent}/*\n");
    for line in lines {
        text.push_str(format!("{indent} * {line}").trim_end());
        text.push('\n');
    }
    text + indent + " */\n"
}

/// What is written by hand has its stars already.
fn without_star(line: &str) -> &str {
    match line {
        "*" => "",
        _ => line.strip_prefix("* ").unwrap_or(line),
    }
}

/// `#define X -1` is `#define X (-1)`.
fn number(line: &str) -> String {
    let negative = || {
        let (name, number) = line.strip_prefix("#define ")?.split_once(" -")?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| format!("#define {name} (-{number})"))
    };
    negative().unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(difference("a\nb\n", ""), Some(1));
    }

    #[test]
    fn comments_and_numbers_are_tidied() {
        let made = "/*\n A.\n */\n#define TL_X_A -1\n\n/*\n B.\n */\n#define TL_X_B 2\n\n/*\n C,\n d.\n */\n#define TL_Y 3\n";
        let tidy = "/* A. */\n#define TL_X_A (-1)\n/* B. */\n#define TL_X_B 2\n\n/*\n * C,\n * d.\n */\n#define TL_Y 3\n";
        assert_eq!(tidied(made), tidy);
        let by_hand = "/*\n * C.\n *\n * D, `*e`.\n */\n";
        assert_eq!(tidied(by_hand), by_hand);
        assert_eq!(number("#define F(A) (A - 1)"), "#define F(A) (A - 1)");
    }
}
