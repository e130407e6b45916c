//! The Cloud Native Buildpack `openfunction/rust`: decides how a function's source becomes an image, and does it.
//!
//! The way of a build, a file each: [`detect`] whether it is one for us; [`environment`] is what the platform says,
//! [`toolchain`] what the build image has; [`metadata`] is what cargo knows of the source, [`shape`] which program of it is meant,
//! [`library`] the functions of one without a program, [`plan`] all of that put together; [`target`] and [`configuration`] are how it
//! is compiled, [`freshness`] what of the last build still holds; [`listing`] is what the program says of itself, [`sbom`] what is
//! in it, [`launch`] what the image says. [`build`] tells the story from end to end; only the program around it knows the files of
//! the buildpack interface.

pub mod arguments;
pub mod build;
pub mod cargo;
pub mod configuration;
pub mod detect;
pub mod environment;
pub mod error;
pub mod freshness;
pub mod graph;
pub mod launch;
pub mod library;
pub mod listing;
pub mod manifest;
pub mod metadata;
pub mod nearest;
pub mod plan;
pub mod report;
pub mod sbom;
pub mod shape;
pub mod source;
pub mod target;
pub mod toolchain;
