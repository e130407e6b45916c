//! What the README says of a program, held against the program.

use std::{error::Error, fs, process::Command};

#[test]
fn the_table_of_settings_is_that_of_help() -> Result<(), Box<dyn Error>> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"))?;
    let help = String::from_utf8(Command::new(env!("CARGO_BIN_EXE_hello")).arg("--help").output()?.stdout)?;
    let lines: Vec<&str> = help.lines().collect();
    let mut rows = 0;
    for pair in lines.windows(2) {
        let (Some(names), Some(what)) = (pair[0].strip_prefix("  "), pair[1].strip_prefix("        ")) else { continue };
        let names: Vec<String> = names.split(", ").map(|name| format!("`{name}`")).collect();
        let (what, default) = what.strip_suffix(']').and_then(|what| what.split_once(" [default: ")).unwrap_or((what, ""));
        let row = format!("| {} | {what} | {default} |", names.join(", "));
        assert!(readme.contains(&row), "README.md lacks this row, or has another form of it:\n{row}");
        rows += 1;
    }
    let table = readme.lines().skip_while(|line| !line.starts_with("| flag and variables")).skip(2);
    assert_eq!(table.take_while(|line| line.starts_with('|')).count(), rows, "README.md has rows that --help has not");
    Ok(())
}
