//! `cargo xtask package`: an example of this repository becomes an image, and the image is measured.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use image_tests::{App, BuildEnvironment, Creation, Ended, Error, Result, Workshop, measure, oci::Image};

const USAGE: &str = "\
cargo xtask package <example> [options]

Makes an image of an example of examples/, as a package of its own, by the real lifecycle and the buildpack of this repository: OCI
layout in, OCI layout out, no container engine. Starts it, and prints how large and how quick it is. As root, on Linux.

  --profile <line>     a line of its [profile.release], such as 'lto = \"fat\"'; may be given more than once.
                       Without one: 'opt-level = \"s\"' and 'codegen-units = 1'
  --env <NAME=value>   a variable of the build, such as FUNC_NAME=hello; may be given more than once
  --output <folder>    where the image is left, in OCI layout
  --verbose            the log of the builds, too";

/// How often the image is started.
const STARTS: usize = 50;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("package: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Options {
    example: String,
    profile: Vec<String>,
    variables: Vec<(String, String)>,
    output: Option<PathBuf>,
    verbose: bool,
}

fn run() -> Result {
    let Some(options) = options()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let workshop = Workshop::open()?;
    let app = App::example(&workshop, &options.example)?;
    let app = app.append("Cargo.toml", &format!("\n[profile.release]\n{}\n", options.profile.join("\n")));
    let environment = BuildEnvironment::new(&workshop, "package")?;
    let build = |app: &App| -> Result<(Ended, Duration)> {
        let creation = options.variables.iter().fold(Creation::of(app), |creation, (name, value)| creation.env(name, value));
        let began = Instant::now();
        let ended = environment.create(&creation)?.success()?;
        let took = began.elapsed();
        if options.verbose {
            println!("{}", ended.log);
        }
        Ok((ended, took))
    };
    let (cold, cold_took) = build(&app)?;
    let (same, same_took) = build(&app)?;
    let changed = app.append("src/main.rs", "\n#[used]\nstatic CHANGED: u8 = 1;\n");
    let (warm, warm_took) = build(&changed)?;
    let image = environment.image()?;
    let figures = measure::start(&image, &workshop.passing(), STARTS)?;

    println!("{}: {}\n", options.example, image.digest());
    for (name, figure, how) in [
        (
            "image",
            megabytes(image.size()),
            "all that is transferred: layers as they are compressed, config, manifest".to_owned(),
        ),
        ("unpacked", megabytes(figures.unpacked), "the files in its root".to_owned()),
        ("cold build", seconds(cold_took), format!("creator, no cache, {} packages compiled", cold.compiled().len())),
        ("same source", seconds(same_took), format!("creator, cache of before, {} packages compiled", same.compiled().len())),
        ("one line changed", seconds(warm_took), format!("creator, cache of before, compiled: {}", warm.compiled().join(", "))),
        (
            "first answer",
            milliseconds(figures.median()),
            format!("median of {STARTS}, from the launcher's exec to the answer's end"),
        ),
        ("first answer, p95", milliseconds(figures.at(95)), "of the same; chroot 1000:1000, root read-only".to_owned()),
        ("idle memory", format!("{:.1} MB", mebi(figures.resident)), "VmRSS after the first answer".to_owned()),
        ("most memory", format!("{:.1} MB", mebi(figures.most_resident)), "VmHWM then".to_owned()),
    ] {
        println!("{name:<18} {figure:>10}  {how}");
    }
    println!();
    layers(&image);
    match options.output {
        Some(folder) => environment.keep_image(&folder),
        None => Ok(()),
    }
}

fn layers(image: &Image) {
    for layer in image.layers() {
        println!("{:<18} {:>10}  {}", "layer", megabytes(layer.size), layer.made_by);
    }
}

fn options() -> Result<Option<Options>> {
    use lexopt::{Arg, ValueExt as _};

    let mut arguments = lexopt::Parser::from_env();
    let mut options = Options::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(name) if options.example.is_empty() => options.example = name.string()?,
            Arg::Long("profile") => options.profile.push(arguments.value()?.string()?),
            Arg::Long("env") => {
                let pair = arguments.value()?.string()?;
                let pair = pair.split_once('=').ok_or_else(|| Error::new(format!("--env takes NAME=value, not {pair:?}")))?;
                options.variables.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            Arg::Long("output") => options.output = Some(arguments.value()?.into()),
            Arg::Long("verbose") => options.verbose = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.example.is_empty() {
        return Err(Error::new(format!("which example?\n\n{USAGE}")));
    }
    if options.profile.is_empty() {
        options.profile.extend(PROFILE.map(str::to_owned));
    }
    Ok(Some(options))
}

/// A small program that is built again in seconds: link-time optimization would take a third of a minute after every change.
const PROFILE: [&str; 2] = ["opt-level = \"s\"", "codegen-units = 1"];

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn megabytes(bytes: u64) -> String {
    format!("{:.3} MB", bytes as f64 / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
fn mebi(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
