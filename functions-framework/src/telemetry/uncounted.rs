//! What stands for the figures of a process that keeps none: a build without the feature `metrics`.

#![expect(clippy::unused_self, reason = "with the feature there is something to count with")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{How, Service};
use crate::{function::Kind, manifest::Manifest, outcome::Verdict, settings::Settings, sidecar::Sidecar, startup::Exit};

#[derive(Debug)]
pub(crate) enum Metrics {}

impl Metrics {
    pub(crate) async fn open(_: &Settings, _: &Service) -> Result<Option<Self>, Exit> {
        Ok(None)
    }

    pub(crate) async fn close(&self, _: Duration) {}
}

#[derive(Debug)]
pub(crate) struct Invocations;

impl Invocations {
    pub(crate) const fn of(_: &str, _: Kind, _: Option<&str>) -> Self {
        Self
    }

    pub(crate) const fn began(&self, _: u64) {}

    pub(crate) const fn over(&self) {}

    pub(crate) fn ended(&self, _: How, _: Instant, _: impl FnOnce() -> Option<u64>) {}
}

#[derive(Debug)]
pub(crate) struct Deliveries;

impl Deliveries {
    pub(crate) const fn of(_: &str, _: &str) -> Self {
        Self
    }

    pub(crate) const fn came(&self) -> Waiting {
        Waiting
    }

    pub(crate) const fn waited(&self, _: Waiting, _: Duration) {}

    pub(crate) const fn judged(&self, _: Verdict) {}
}

#[derive(Debug)]
pub(crate) struct Waiting;

pub(crate) fn counted(sidecar: Arc<dyn Sidecar>, _: &Manifest) -> Arc<dyn Sidecar> {
    sidecar
}
