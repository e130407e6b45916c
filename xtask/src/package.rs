//! `cargo xtask package`: an image of an example, made and measured by the program `package` of `tests/image`.

use std::process::Stdio;

use tools::Tool;

use crate::{Result, toolchains, tools as tool, workspace};

/// Runs the command; what is left of the command line is for the program.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let words: Vec<_> = arguments.raw_args()?.collect();
    if !words.iter().any(|word| word == "--help" || word == "-h") {
        tool::bring(&[Tool::Lifecycle])?;
        toolchains::target(&toolchains::musl())?;
    }
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "image-tests", "--bin", "package", "--"]).args(words);
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err("no image was made and measured; why is above".into()) }
}
