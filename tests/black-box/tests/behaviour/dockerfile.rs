//! The Dockerfile of the documentation: its commands are run as a container engine would, but for the container.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use black_box_tests::Folder;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The instructions, with lines that go on put together.
fn instructions(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).collect()
}

/// Runs the first stage; the folder stands for that of `WORKDIR`.
fn build(context: &Path, source: &Path) {
    let mut variables = Vec::new();
    for (instruction, rest) in instructions(&read("Dockerfile")).iter().skip(1) {
        match instruction.as_str() {
            "FROM" => return,
            "WORKDIR" => assert_eq!(rest, "/source", "the test's folder stands for it"),
            "ARG" | "ENV" => variables.extend(settings(rest)),
            "COPY" => copy(context, source, rest),
            "RUN" => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(rest).current_dir(source).env("CARGO_NET_OFFLINE", "true");
                // Whoever runs the tests may have another.
                let output = shell.envs(variables.iter().cloned()).env("CARGO_TARGET_DIR", "target").output();
                expect_success(rest, &output.expect("there is a shell"));
            }
            other => panic!("{other} {rest}: the test does not know it"),
        }
    }
}

/// `A=b C="d e"`.
fn settings(text: &str) -> Vec<(String, String)> {
    let (mut settings, mut rest) = (Vec::new(), text.trim());
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a quotation ends"),
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        settings.push((name.to_owned(), value.to_owned()));
        rest = after.trim();
    }
    settings
}

fn copy(context: &Path, source: &Path, what: &str) {
    let words: Vec<_> = what.split(' ').collect();
    let (to, from) = words.split_last().expect("there is something to copy");
    for name in from {
        let (from, to) = (context.join(name), source.join(to));
        if from.is_dir() {
            // The content of a folder, as COPY does.
            for file in fs::read_dir(from).expect("it can be read") {
                let file = file.expect("it can be read");
                fs::create_dir_all(&to).expect("a folder can be made");
                copy_file(&file.path(), &to.join(file.file_name()));
            }
        } else {
            copy_file(&from, &to.join(name));
        }
    }
}

/// With its time: that of a clone is older than what is built.
fn copy_file(from: &Path, to: &Path) {
    let modified = fs::metadata(from).and_then(|metadata| metadata.modified()).expect("a file has a time");
    fs::copy(from, to).expect("it can be copied");
    fs::File::options().write(true).open(to).and_then(|file| file.set_modified(modified)).expect("its time can be set");
}

#[track_caller]
fn expect_success(command: &str, output: &Output) {
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_dockerfile_ships_the_program_and_not_the_empty_one_that_its_dependencies_are_built_with() {
    let folder = Folder::new("dockerfile");
    let (context, source) = (folder.path().join("context"), folder.path().join("source"));
    fs::create_dir_all(context.join("src")).expect("a folder can be made");
    fs::create_dir_all(&source).expect("a folder can be made");
    let manifest = "[package]\nname = \"greeter\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(context.join("Cargo.toml"), manifest).expect("it can be written");
    fs::write(context.join("src/main.rs"), "fn main() { println!(\"from the source\"); }\n").expect("it can be written");
    // As of a clone from long ago.
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(400_000_000);
    let main = fs::File::options().write(true).open(context.join("src/main.rs")).expect("it is there");
    main.set_modified(long_ago).expect("its time can be set");
    let mut lock = Command::new(env!("CARGO"));
    let lock = lock.args(["generate-lockfile", "--offline"]).current_dir(&context).output().expect("cargo can be run");
    expect_success("cargo generate-lockfile", &lock);

    build(&context, &source);
    let image = source.join("image");
    let program = image.join("function");
    let ran = Command::new(&program).env_clear().output().expect("it can be run");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "from the source\n");
    let bytes = fs::read(&program).expect("it is a file");
    let loader = b"/ld-linux";
    assert!(!bytes.windows(loader.len()).any(|part| part == loader), "it is static: scratch has no loader");
    let mode = fs::metadata(image.join("tmp")).expect("/tmp is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777);
    assert!(image.join("etc/ssl/certs/ca-certificates.crt").exists(), "what https needs is there");
}

#[test]
fn the_image_of_the_dockerfile_is_the_program_alone_and_not_roots() {
    let all = instructions(&read("Dockerfile"));
    let last = all.iter().rposition(|(word, _)| word == "FROM").expect("there is a stage");
    let last: Vec<_> = all[last..].iter().map(|(word, rest)| format!("{word} {rest}")).collect();
    let certificates = "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt";
    let expected =
        ["FROM scratch", "COPY --from=build /source/image/ /", certificates, "USER 1000:1000", "ENTRYPOINT [\"/function\"]"];
    assert_eq!(last, expected);
}

#[test]
fn the_documentation_shows_the_dockerfile_as_it_is() {
    assert!(
        read("deploy.md").contains(&format!("```dockerfile\n{}```", read("Dockerfile"))),
        "copy docs/Dockerfile to deploy.md"
    );
}
