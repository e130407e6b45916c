//! The table of `examples/README.md`: each example started as its row says, called as it says, and seen to do what it says.

use std::{collections::BTreeSet, process::Command};

use black_box_tests::{Folder, Port, Program, Start, eventually};

use crate::{
    examples::BUILT,
    function_yaml::{examples, read, repository},
};

/// What a row says of its example.
struct Row {
    name: String,
    /// A line for a shell; none where nobody has to call.
    call: Option<String>,
    expected: String,
    links: Vec<String>,
}

fn rows() -> Vec<Row> {
    let table = read(&repository().join("examples/README.md"));
    let rows = table.lines().filter(|line| line.starts_with("| ["));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [example, _, call, expected, dapr, deploy] = cells[..] else { panic!("expected six cells: {line}") };
        let call = call.strip_prefix('`').and_then(|call| call.strip_suffix('`')).map(str::to_owned);
        let links = [example, dapr, deploy].into_iter().filter_map(|cell| cell.split_once("](")?.1.split(')').next());
        let name = example.trim_start_matches('[').split(']').next().unwrap_or_default().to_owned();
        Row { name, call, expected: expected.to_owned(), links: links.map(str::to_owned).collect() }
    })
    .collect()
}

/// The example with its own manifest, where `localhost:8080` and a folder all share are its own.
fn start(name: &str, folder: &Folder) -> Program {
    let port = Port::free();
    let manifest = read(&repository().join("examples").join(name).join("function.yaml"));
    let manifest = manifest.replace("localhost:8080", &format!("localhost:{}", port.number()));
    let manifest = manifest.replace("/tmp/notes", &folder.path().join("notes").display().to_string());
    let path = folder.path().join("function.yaml");
    std::fs::write(&path, manifest).expect("the folder can be written");
    let start = Start::new(BUILT.join(name)).env("PORT", port.number().to_string()).env("FUNCTION_MANIFEST", path);
    start.env("FUNCTION_LOCAL_PORT", "0").directory(repository()).serve()
}

/// Does what a person would type, at the ports that the program has.
fn call(program: &Program, line: &str) -> String {
    let mut line = line.replace("localhost:8080", &program.address().to_string());
    if line.contains("localhost:3500") {
        let told = program.log().wait_text("Dapr's HTTP API");
        line = line.replace("localhost:3500", told.field("address"));
    }
    let run = Command::new("sh").args(["-c", &format!("{line} --silent --show-error")]).current_dir(repository()).output();
    let output = run.expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(output.status.code(), Some(127), "curl is missing: apt-get install curl\n{said}");
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_example_does_what_its_row_says() {
    for Row { name, call: line, expected, .. } in rows() {
        let folder = Folder::new(&format!("row-{name}"));
        let program = start(&name, &folder);
        let answer = line.map(|line| call(&program, &line)).unwrap_or_default();
        eventually(&format!("{name}: {expected:?} is neither in its output nor in {answer:?}"), || {
            (answer.contains(&expected) || program.output().text().contains(&expected)).then_some(())
        });
        program.terminate().expect(0, &[]);
    }
}

#[test]
fn every_example_has_a_row_and_each_row_leads_somewhere() {
    let rows = rows();
    let listed: BTreeSet<_> = rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(listed, examples());
    assert_eq!(rows.len(), listed.len(), "an example has two rows");
    for Row { name, links, .. } in rows {
        let has_components = repository().join("examples").join(&name).join("dapr").is_dir();
        assert_eq!(links.len(), if has_components { 3 } else { 2 }, "{name}: {links:?}");
        for link in links {
            assert!(repository().join("examples").join(&link).exists(), "{name}: there is no {link}");
        }
    }
}
