//! What the READMEs say in numbers and names, compared with the code.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use core::mem::size_of;
use std::fs;
use std::path::Path;

use tokenlatch::Cause;
use tokenlatch::Latch;
use tokenlatch::State;
use tokenlatch::promises::Promise;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).expect(name)
}

/// Calls `check` with the name and the text of each README.
fn each_readme(check: impl Fn(&str, &str)) {
    for name in [ENGLISH, CHINESE] {
        check(name, &read(name));
    }
}

/// A README taken apart: its code blocks with their fences, and the lines between them.
struct Parts<'a> {
    code: Vec<String>,
    prose: Vec<&'a str>,
}

fn parts(readme: &str) -> Parts<'_> {
    let (mut code, mut prose) = (Vec::new(), Vec::new());
    let mut block: Option<String> = None;
    for line in readme.lines() {
        match (&mut block, line.starts_with("```")) {
            (None, false) => prose.push(line),
            (None, true) => block = Some(format!("{line}\n")),
            (Some(text), is_end) => {
                text.push_str(line);
                text.push('\n');
                if is_end {
                    code.extend(block.take());
                }
            }
        }
    }
    assert_eq!(block, None, "a code block has no end");
    Parts { code, prose }
}

/// The rows of the one table whose first row, after its head, begins with this cell.
fn table(readme: &str, first: &str) -> Vec<Vec<String>> {
    let prose = parts(readme).prose;
    let begins = |line: &&str| cells(line).first().is_some_and(|cell| cell == first);
    assert_eq!(
        prose.iter().copied().filter(begins).count(),
        1,
        "rows that begin with {first}"
    );
    prose
        .into_iter()
        .skip_while(|line| !begins(line))
        .map(cells)
        .take_while(|row| !row.is_empty())
        .collect()
}

/// The cells of a table's row; none for another line.
fn cells(line: &str) -> Vec<String> {
    let inner = line
        .strip_prefix("| ")
        .and_then(|line| line.strip_suffix(" |"));
    let Some(inner) = inner else {
        return Vec::new();
    };
    inner
        .split(" | ")
        .map(|cell| cell.trim().to_owned())
        .collect()
}

fn column(rows: &[Vec<String>], index: usize) -> Vec<&str> {
    rows.iter()
        .map(|row| row.get(index).expect("a cell").as_str())
        .collect()
}

/// What stands between back quotes, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The first whole number in a text.
fn number(text: &str) -> usize {
    let from = text
        .find(|c: char| c.is_ascii_digit())
        .expect("a number in the cell");
    let rest = text.get(from..).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number of reasonable size")
}

fn code_quoted(name: &str) -> String {
    format!("`{name}`")
}

#[test]
fn sizes_are_those_of_the_code() {
    let whole = size_of::<Latch<1024, 8>>();
    let apart = whole - 3 * 1024;
    each_readme(|name, readme| {
        let rows = parts(readme).prose.into_iter().map(cells);
        let rows: Vec<_> = rows
            .skip_while(|row| {
                !row.first()
                    .is_some_and(|cell| cell.starts_with("`Latch<1024, 8>`"))
            })
            .take_while(|row| !row.is_empty())
            .collect();
        let said = column(&rows, 1);
        assert_eq!(said.len(), 4, "{name}");
        for (said, real) in [(number(said[0]), whole), (number(said[1]), apart)] {
            assert!(real <= said, "{name} says {said}, it is {real}");
            // A bound that is far away says nothing.
            assert!(
                said - real <= said / 4,
                "{name} says {said}, it is only {real}"
            );
        }
        let deepest = deepest_call();
        let stack = number(said[2]);
        assert!(deepest <= stack && stack - deepest <= stack / 4, "{name}");
        // The oldest compiler is checked below.
        assert!(said[3].contains("Rust"), "{name}");
    });
}

/// The rows of a table that a command wrote, without its head.
fn proof(command: &str) -> Vec<Vec<String>> {
    written(command).split_off(1)
}

/// The head and the rows of a table that a command wrote.
fn written(command: &str) -> Vec<Vec<String>> {
    let text = read("docs/proof.md");
    let (_, text) = text
        .split_once(&format!("<!-- {command} begin -->"))
        .expect("a mark");
    let (text, _) = text
        .split_once(&format!("<!-- {command} end -->"))
        .expect("an end");
    let rows = text.lines().map(cells).filter(|row| !row.is_empty());
    let mut rows: Vec<_> = rows.collect();
    // The line under the head.
    rows.remove(1);
    rows
}

/// The most bytes of stack on a Cortex-M; what makes a latch, and what tools do with a recording, left out.
fn deepest_call() -> usize {
    let mut rows = written("stack");
    let head = rows.remove(0);
    let rows = rows.iter().filter(|row| {
        let name = row.first().map_or("", |name| name);
        let is_of_tools = ["`entries_next`", "`replay_step`"].contains(&name);
        !name.starts_with("`new") && !is_of_tools
    });
    let depths = rows.flat_map(|row| row.iter().zip(&head));
    let depths = depths.filter(|(_, target)| target.starts_with("thumbv"));
    depths.map(|(depth, _)| number(depth)).max().expect("a row")
}

#[test]
fn no_panic_is_said_of_what_was_linked() {
    let rows = proof("no-panic");
    let mut targets = column(&rows, 0);
    targets.dedup();
    assert!(!targets.is_empty());
    for row in &rows {
        let links = row[2..].iter().filter(|cell| cell.starts_with("links;"));
        assert_eq!(links.count(), 3, "{}: z, s and 3", row[0]);
    }
    each_readme(|name, readme| {
        let said = quoted(readme);
        let said: Vec<_> = said
            .into_iter()
            .skip_while(|word| *word != "cargo xtask no-panic")
            .skip(1)
            .take(targets.len())
            .collect();
        assert_eq!(said, targets, "{name}");
    });
}

#[test]
fn the_oldest_compiler_is_that_of_the_manifest() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    each_readme(|name, readme| {
        let found: Vec<_> = readme
            .match_indices("Rust ")
            .map(|(at, word)| {
                readme
                    .get(at + word.len()..)
                    .unwrap_or_default()
                    .chars()
                    .take_while(|c| matches!(c, '0'..='9' | '.'))
                    .collect::<String>()
            })
            .filter(|found| !found.is_empty())
            .collect();
        assert_eq!(found, [version], "{name}");
    });
    let security = read("SECURITY.md");
    assert!(
        security.contains(&format!("Rust {version}")),
        "SECURITY.md names another version"
    );
}

#[test]
fn states_are_the_five() {
    let states = [
        State::Unauthenticated,
        State::Pending,
        State::Ready,
        State::Refreshing,
        State::Expired,
    ];
    let names = states.map(|state| code_quoted(state.name()));
    each_readme(|name, readme| {
        assert_eq!(column(&table(readme, &names[0]), 0), names, "{name}");
        let between = readme
            .split_once("<!-- diagram begin -->")
            .and_then(|(_, rest)| rest.split_once("<!-- diagram end -->"));
        let (diagram, _) = between.expect("the diagram's marks");
        for state in states {
            assert!(diagram.contains(state.name()), "{name}: {state}");
        }
    });
}

#[test]
fn features_are_those_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let section = manifest
        .split_once("\n[features]\n")
        .map(|(_, rest)| rest.split("\n[").next().unwrap_or_default())
        .expect("features");
    let mut features: Vec<String> = section
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
        .filter_map(|line| line.split_once('='))
        .map(|(feature, _)| code_quoted(feature.trim()))
        .filter(|feature| feature != "`default`")
        .collect();
    features.sort();
    each_readme(|name, readme| {
        let rows = table(readme, "`json`");
        let mut said = column(&rows, 0);
        said.sort_unstable();
        assert_eq!(said, features, "{name}");
    });
}

/// The variants of `enum Effect`, each with its documentation in one line.
fn effects() -> Vec<(String, String)> {
    let source = read("src/effect.rs");
    let (_, body) = source
        .split_once("pub enum Effect {\n")
        .expect("the effects");
    let (body, _) = body.split_once("\n}\n").expect("their end");
    let (mut found, mut doc) = (Vec::new(), String::new());
    // Fields stand deeper.
    for line in body.lines().filter(|line| !line.starts_with("     ")) {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("/// ") {
            doc = format!("{doc} {text}");
        } else if line.starts_with(|c: char| c.is_ascii_uppercase()) {
            let name = line.trim_end_matches([' ', '{', ',']).to_owned();
            found.push((name, core::mem::take(&mut doc)));
        }
    }
    found
}

#[test]
fn orders_are_the_effects_with_their_answers() {
    let effects = effects();
    let names: Vec<_> = effects.iter().map(|(name, _)| code_quoted(name)).collect();
    each_readme(|readme_name, readme| {
        let rows = table(readme, &names[0]);
        assert_eq!(column(&rows, 0), names, "{readme_name}");
        for ((name, doc), answers) in effects.iter().zip(column(&rows, 2)) {
            if let Some((_, told)) = doc.split_once("answer ") {
                let told = told.split('.').next().unwrap_or_default();
                assert_eq!(quoted(answers), quoted(told), "{readme_name}: {name}");
            }
        }
    });
    let with_answer = effects.iter().filter(|(_, doc)| doc.contains("answer `"));
    assert_eq!(with_answer.count(), 6, "orders that are answered");
}

#[test]
fn promises_are_all_there_with_their_titles() {
    each_readme(|name, readme| {
        let rows = table(readme, "P1");
        let said = column(&rows, 0).into_iter().zip(column(&rows, 1));
        let said: Vec<_> = said.map(|(id, title)| (id.to_owned(), title)).collect();
        let all: Vec<_> = Promise::ALL
            .iter()
            .map(|promise| (format!("{promise:?}"), promise.title()))
            .collect();
        assert_eq!(said, all, "{name}");
    });
}

#[test]
fn causes_are_as_the_code_says_them() {
    each_readme(|name, readme| {
        let rows = table(readme, "6");
        assert_eq!(rows.len(), 4, "{name}");
        for row in rows {
            let code = row[0].parse().expect("a code");
            let cause = Cause::from_code(code).expect("a cause");
            assert_eq!(row[1], code_quoted(cause.name()), "{name}");
            if name == ENGLISH {
                assert_eq!(row[2], cause.sentence(), "{name}");
                assert_eq!(row[3], cause.fix(), "{name}");
            } else {
                assert_eq!(row[2], cause.sentence_zh(), "{name}");
            }
        }
    });
}

#[test]
fn documents_in_both_languages_have_the_same_shape_and_the_same_code() {
    for (english, chinese) in [(ENGLISH, CHINESE), ("docs/c.md", "docs/c.zh-CN.md")] {
        compare(&read(english), &read(chinese));
    }
}

fn compare(english: &str, chinese: &str) {
    let (english, chinese) = (parts(english), parts(chinese));
    assert!(english.code.len() >= 5, "the code blocks were not found");
    assert_eq!(english.code, chinese.code);
    let levels = |parts: &Parts<'_>| -> Vec<usize> {
        let marks = parts
            .prose
            .iter()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.bytes().take_while(|byte| *byte == b'#').count());
        marks.collect()
    };
    assert_eq!(levels(&english), levels(&chinese));
    let rows = |parts: &Parts<'_>| -> Vec<usize> {
        parts
            .prose
            .iter()
            .map(|line| cells(line).len())
            .filter(|count| *count > 0)
            .collect()
    };
    assert_eq!(rows(&english), rows(&chinese), "columns of each row");
}

#[test]
fn the_record_format_is_that_of_the_code() {
    let said = read("CHANGELOG.md");
    let said = said
        .lines()
        .find_map(|line| line.strip_prefix("record format: version "))
        .expect("the line of the record format");
    let source = read("src/record.rs");
    let real = source
        .lines()
        .find_map(|line| line.strip_prefix("const VERSION: u8 = "))
        .expect("the version in the source");
    assert_eq!(format!("{said};"), real);
}
