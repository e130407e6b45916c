//! What stands for the way of figures to a collector: a build without the feature `otel`.

use std::time::Duration;

use super::{Service, metrics::Page};
use crate::startup::Exit;

#[derive(Debug)]
pub(crate) enum Figures {}

impl Figures {
    #[expect(clippy::unnecessary_wraps, reason = "with the feature it can fail")]
    pub(crate) const fn read(_: &Service) -> Result<Option<Self>, Exit> {
        Ok(None)
    }

    pub(crate) const fn is_asked_for(&self) -> bool {
        match *self {}
    }

    pub(crate) fn begin(self, _: Page) -> Self {
        self
    }

    #[expect(clippy::unused_async, reason = "with the feature it waits")]
    pub(crate) async fn close(&self, _: Duration) {}
}
