//! `bin/detect` and `bin/build`, one program under two names: the library's decisions in the files of the buildpack interface.

use std::{collections::BTreeMap, env};

use libcnb::{
    Buildpack, Env, Platform as _,
    build::{BuildContext, BuildResult, BuildResultBuilder},
    buildpack_main,
    data::{
        launch::{Label, LaunchBuilder, ProcessBuilder},
        layer_name, process_type,
        sbom::SbomFormat,
    },
    detect::{DetectContext, DetectResult, DetectResultBuilder},
    generic::{GenericMetadata, GenericPlatform},
    layer::{CachedLayerDefinition, InvalidMetadataAction, RestoredLayerAction, UncachedLayerDefinition},
    layer_env::{LayerEnv, ModificationBehavior, Scope},
    sbom::Sbom,
};
use rust_buildpack::{
    build::{Build, Layers},
    detect::{self, Detection},
    environment::Environment,
    error::Error,
    report,
};
use serde::{Deserialize, Serialize};

/// The buildpack `openfunction/rust`.
#[derive(Debug)]
struct Rust;

/// What the layer `target` is of. Compiled by another compiler it would only grow.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Compiled {
    compiler: String,
}

impl Buildpack for Rust {
    type Platform = GenericPlatform;
    type Metadata = Option<GenericMetadata>;
    type Error = Error;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, Error> {
        let environment = Environment::read(&variables(context.platform.env())).map_err(failed)?;
        match detect::detect(&context.app_dir, &environment).map_err(failed)? {
            Detection::Pass(why) => {
                println!("openfunction/rust: {why}");
                DetectResultBuilder::pass().build()
            }
            Detection::Fail(why) => {
                println!("openfunction/rust is not for this source: {why}");
                DetectResultBuilder::fail().build()
            }
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, Error> {
        let build = Build::begin(&context.app_dir, &context.target.arch, variables(context.platform.env())).map_err(failed)?;
        let cargo_home = context.cached_layer(
            layer_name!("cargo-home"),
            CachedLayerDefinition {
                build: false,
                launch: false,
                invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
                restored_layer_action: &|_: &GenericMetadata, _| RestoredLayerAction::KeepLayer,
            },
        )?;
        let compiled = Compiled { compiler: build.compiler.text.clone() };
        let target = context.cached_layer(
            layer_name!("target"),
            CachedLayerDefinition {
                build: false,
                launch: false,
                invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
                restored_layer_action: &|before: &Compiled, _| {
                    if *before == compiled { RestoredLayerAction::KeepLayer } else { RestoredLayerAction::DeleteLayer }
                },
            },
        )?;
        target.write_metadata(&compiled)?;
        let bin = context.uncached_layer(layer_name!("bin"), UncachedLayerDefinition { build: false, launch: true })?;
        let layers = Layers { cargo_home: cargo_home.path(), target: target.path(), bin: bin.path() };
        let image = build.run(&layers).map_err(failed)?;

        let defaults = image.variables.iter().fold(LayerEnv::new(), |defaults, (name, value)| {
            defaults.chainable_insert(Scope::Launch, ModificationBehavior::Default, name, value)
        });
        bin.write_env(defaults)?;
        bin.write_sboms(&[Sbom::from_bytes(SbomFormat::CycloneDxJson, image.sbom)])?;
        let web = ProcessBuilder::new(process_type!("web"), [image.command]).args(image.args).default(true).build();
        let labels = image.labels.into_iter().map(|(key, value)| Label { key, value });
        BuildResultBuilder::new().launch(LaunchBuilder::new().process(web).labels(labels).build()).build()
    }

    fn on_error(&self, error: libcnb::Error<Error>) {
        match error {
            libcnb::Error::BuildpackError(error) => report::error(error),
            other => report::error(other),
        }
    }
}

fn failed(error: Error) -> libcnb::Error<Error> {
    libcnb::Error::BuildpackError(error)
}

/// The variables of this process, over which go those of the platform. What is no UTF-8 is nothing cargo or a user's program could
/// be told through a variable of ours.
fn variables(platform: &Env) -> BTreeMap<String, String> {
    let platform = platform.iter().map(|(name, value)| (name.clone(), value.clone()));
    let all = env::vars_os().chain(platform);
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

buildpack_main!(Rust);
