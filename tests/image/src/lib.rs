//! Makes an image of a function's source as a cluster does, and starts it, without a container engine.
//!
//! The lifecycle of Cloud Native Buildpacks runs in a build image that is put together of folders of this machine, in a
//! namespace of mounts of its own, with the flags of OpenFunction's build strategy; registries are folders in OCI layout. What it
//! makes is unpacked and started as a read-only root, as the user of the image.
//!
//! Linux only, and root only: mounts and `chroot` are for root. Nothing of it is mounted outside of the processes that it starts.

mod app;
mod buildpack;
mod creation;
mod environment;
mod error;
mod folder;
pub mod measure;

pub mod oci;
mod phases;
mod registry;
mod run_image;
mod started;
mod workshop;

pub use app::App;
pub use creation::{Creation, IMAGE};
pub use environment::{BuildEnvironment, Ended, Network, User};
pub use error::{Doing, Error, Result};
pub use folder::Folder;
pub use started::{Started, end};
pub use workshop::Workshop;
