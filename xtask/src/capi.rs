//! `cargo xtask capi`: the C interface as C and C++ programs see it; with `--prefix DIR` it is installed there.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use object::Object as _;
use object::ObjectSymbol as _;

use crate::c::MEMCHECK;
use crate::header;
use crate::header::RECORDING;
use crate::install;
use crate::install::Capacities;
use crate::proc;
use crate::project::Project;
use crate::tools;

const WARNINGS: &[&str] = &["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"];
const TESTS: &str = "tests/capi/c";
const DOCUMENT: &str = "docs/c.md";
const C: &[&str] = &["-std=c99"];
const CPP: &[&str] = &["-std=c++17", "-fno-exceptions", "-fno-rtti"];
const SANITIZED: &[&str] = &[
    "-g",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
];

const PLAIN: &[&str] = &["-g", "-O1"];

pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => check(&project),
        ["--prefix", prefix] => {
            let prefix = std::path::absolute(prefix)?;
            install::install(&project, &prefix, Capacities::asked()?)
        }
        _ => bail!("usage: cargo xtask capi [--prefix DIR]"),
    }
}

/// The header is up to date and compiles; the C tests run under sanitizers; programs build against what is installed.
pub(crate) fn check(project: &Project) -> Result<()> {
    header::check(project)?;
    tools::debian(project, "c++", "g++")?;
    tools::debian(project, "cmake", "cmake")?;
    tools::debian(project, "make", "make")?;
    tools::debian(project, "pkg-config", "pkg-config")?;
    tools::debian(project, "valgrind", "valgrind libc6-dbg")?;
    let out = project.scratch("capi")?;
    compile_headers(project, &out)?;
    let mut recording = Capacities::SMALL;
    recording.records = true;
    for (name, capacities) in [
        ("default", Capacities::DEFAULT),
        ("small", Capacities::SMALL),
        ("recording", recording),
    ] {
        let prefix = out.join(name);
        install::install(project, &prefix, capacities)?;
        check_symbols(project, &prefix, capacities.records)?;
        for test in ["story.c", "misuse.c", "wrapper.cpp"] {
            run_test(project, &prefix, test, &[])?;
            with_memcheck(project, &prefix, test)?;
        }
        documented(project, &prefix)?;
        with_pkg_config(project, &prefix)?;
        with_cmake(project, &prefix)?;
    }
    // What is installed can be moved.
    let moved = out.join("moved");
    std::fs::rename(out.join("default"), &moved)?;
    with_pkg_config(project, &moved)
}

/// Both headers, alone, with each compiler that there is.
fn compile_headers(project: &Project, out: &Path) -> Result<()> {
    let clang = ["clang", "clang++"].map(|name| {
        let found = proc::succeeds(project.command(name).arg("--version"));
        found.then_some(name)
    });
    let rows = [
        ("tokenlatch.h", "c", "-std=c99", Some("cc")),
        ("tokenlatch.h", "c++", "-std=c++11", Some("c++")),
        ("tokenlatch.hpp", "c++", "-std=c++17", Some("c++")),
        ("tokenlatch.h", "c", "-std=c99", clang[0]),
        ("tokenlatch.h", "c++", "-std=c++11", clang[1]),
        ("tokenlatch.hpp", "c++", "-std=c++17", clang[1]),
    ];
    for (header, language, standard, compiler) in rows {
        let Some(compiler) = compiler else { continue };
        let unit = out.join("unit");
        std::fs::write(
            &unit,
            format!("#include \"{header}\"\n#include \"{header}\"\nint unit;\n"),
        )?;
        let mut command = project.command(compiler);
        command.args([standard, "-x", language, "-Iinclude", "-c"]);
        if header.ends_with(".hpp") {
            command.arg("-Wold-style-cast");
        }
        command
            .args(WARNINGS)
            .arg(&unit)
            .arg("-o")
            .arg(out.join("unit.o"));
        proc::run(&mut command)?;
    }
    Ok(())
}

/// The shared library exports what the header declares, and nothing else.
fn check_symbols(project: &Project, prefix: &Path, records: bool) -> Result<()> {
    let header = std::fs::read_to_string(prefix.join("include/tokenlatch.h"))?;
    let declared = declared(&seen(&header, records));
    let path = prefix.join("lib/libtokenlatch.so");
    let data = std::fs::read(&path)?;
    let file = object::File::parse(&*data)?;
    let mut exported = BTreeSet::new();
    let mut needed = BTreeSet::new();
    for symbol in file.dynamic_symbols() {
        let name = symbol.name()?.to_owned();
        if symbol.is_undefined() {
            if !symbol.is_weak() {
                needed.insert(name);
            }
        } else if symbol.is_global() {
            exported.insert(name);
        }
    }
    let differ: Vec<_> = declared.symmetric_difference(&exported).collect();
    ensure!(differ.is_empty(), "header and library differ in {differ:?}");
    let allocates = ["malloc", "calloc", "realloc", "free"];
    ensure!(
        !needed.iter().any(|name| allocates.contains(&&**name)),
        "the library allocates: it needs {needed:?}"
    );
    println!(
        "{}: {} functions, as declared; needs {}",
        project.show(&path),
        exported.len(),
        needed.into_iter().collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

/// What is left of a header where the library records, or does not.
fn seen(header: &str, records: bool) -> String {
    let opens = format!("#if defined({RECORDING})");
    let mut is_open = true;
    let lines = header.lines().filter(|line| {
        if *line == opens {
            is_open = records;
        }
        if line.starts_with("#endif") {
            is_open = true;
        }
        is_open
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let mut is_macro = false;
    let code = header.lines().filter(|line| {
        let start = line.trim_start();
        let continued = std::mem::replace(&mut is_macro, line.ends_with('\\'));
        !continued && !line.ends_with('\\') && !start.starts_with(['*', '/', '#'])
    });
    let code: Vec<_> = code.collect();
    let words = code.join("\n");
    let heads = words
        .split('(')
        .filter_map(|head| head.rsplit([' ', '*', '\n']).next());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    heads
        .filter(|name| name.starts_with("tl_") && name.chars().all(is_name))
        .map(str::to_owned)
        .collect()
}

/// Where a program goes.
fn program(prefix: &Path, name: &str) -> PathBuf {
    prefix.join(name)
}

/// One of `tests/capi/c`, with the static library, under sanitizers.
pub(crate) fn run_test(
    project: &Project,
    prefix: &Path,
    test: &str,
    words: &[&Path],
) -> Result<()> {
    let path = compile(project, prefix, &Path::new(TESTS).join(test), SANITIZED)?;
    proc::run(project.command(&path.to_string_lossy()).args(words))
}

/// The same under valgrind, which sees what Rust code does too.
fn with_memcheck(project: &Project, prefix: &Path, test: &str) -> Result<()> {
    let path = compile(project, prefix, &Path::new(TESTS).join(test), PLAIN)?;
    let (program, words) = MEMCHECK.split_first().context("a tool has a name")?;
    proc::run(project.command(program).args(words).arg(path))
}

/// The program of the documentation.
fn documented(project: &Project, prefix: &Path) -> Result<()> {
    let text = std::fs::read_to_string(project.root.join(DOCUMENT)).context(DOCUMENT)?;
    let block = text
        .split_once("```c\n")
        .and_then(|(_, rest)| rest.split_once("\n```"));
    let (code, _) = block.with_context(|| format!("{DOCUMENT} has no program"))?;
    let source = prefix.join("documented.c");
    std::fs::write(&source, format!("{code}\n"))?;
    let path = compile(project, prefix, &source, SANITIZED)?;
    let said = proc::read(&mut project.command(&path.to_string_lossy()))?;
    let expected = "Nobody is signed in.\nAuthorization: Bearer secret\n";
    ensure!(
        said.starts_with(expected),
        "{DOCUMENT}: its program says {said}"
    );
    Ok(())
}

/// Compiles a program with the static library.
fn compile(project: &Project, prefix: &Path, source: &Path, how: &[&str]) -> Result<PathBuf> {
    let test = source.to_string_lossy();
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let path = program(prefix, &format!("{name}.program"));
    let (compiler, standard) = if test.ends_with(".c") {
        ("cc", C)
    } else {
        ("c++", CPP)
    };
    let mut command = project.command(compiler);
    command.args(standard).args(WARNINGS).args(how);
    command.arg("-I").arg(prefix.join("include"));
    command.arg(source);
    command
        .arg(prefix.join("lib/libtokenlatch.a"))
        .arg("-o")
        .arg(&path);
    proc::run(&mut command)?;
    Ok(path)
}

/// A program that asks pkg-config for its flags, with the shared library.
fn with_pkg_config(project: &Project, prefix: &Path) -> Result<()> {
    let path = program(prefix, "story.pkg-config");
    let mut command = project.command("pkg-config");
    command.args(["--cflags", "--libs", "tokenlatch >= 0.1"]);
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let flags = proc::read(&mut command)?;
    let mut command = project.command("cc");
    command
        .args(C)
        .args(WARNINGS)
        .args(["tests/capi/c/story.c", "-o"])
        .arg(&path);
    command.args(flags.split_whitespace());
    proc::run(&mut command)?;
    let mut command = project.command(&path.to_string_lossy());
    proc::run(command.env("LD_LIBRARY_PATH", prefix.join("lib")))
}

/// A project that asks CMake for the package, with either library.
fn with_cmake(project: &Project, prefix: &Path) -> Result<()> {
    let build = prefix.join("cmake-build");
    let mut command = project.command("cmake");
    command.args(["-S", "tests/capi/cmake", "-B"]).arg(&build);
    command.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    proc::run(&mut command)?;
    proc::run(project.command("cmake").arg("--build").arg(&build))?;
    let mut command = project.command("ctest");
    command
        .arg("--test-dir")
        .arg(&build)
        .arg("--output-on-failure");
    proc::run(&mut command).context("a program that CMake built")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `cargo xtask size` measures of the C interface is all of it.
    #[test]
    fn the_measured_functions_are_those_of_the_header() {
        let header = include_str!("../../include/tokenlatch.h");
        let measured = include_str!("../../footprint/src/c.rs");
        let measured = measured
            .lines()
            .filter_map(|line| line.trim().strip_prefix("capi::")?.strip_suffix(','));
        let measured: BTreeSet<_> = measured.map(str::to_owned).collect();
        assert_eq!(measured, declared(&seen(header, false)));
    }

    #[test]
    fn finds_what_a_header_declares() {
        let header = "/*\n * Use `tl_no(`.\n */\n#define tl_macro(A) \\\n  tl_sized((A))\n\
            const char *tl_text(int a);\nint32_t\ntl_b(void (*f)(void));\ntypedef struct tl_c { int a; } tl_c;\n";
        let found: Vec<_> = declared(header).into_iter().collect();
        assert_eq!(found, ["tl_b", "tl_text"]);
        let header = "int tl_a();\n#if defined(TL_RECORDING)\nint tl_b();\n#endif\nint tl_c();\n";
        assert_eq!(declared(&seen(header, true)).len(), 3);
        let found: Vec<_> = declared(&seen(header, false)).into_iter().collect();
        assert_eq!(found, ["tl_a", "tl_c"]);
    }
}
