//! What became of several messages.

use crate::{
    error::Error,
    sidecar::{Rejected, SidecarCode, SidecarError},
};

/// Tells which of several messages were not taken; made by [`Output::send_all`](super::Output::send_all).
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn split(ctx: Context, text: String) -> Result<()> {
///     let lines: Vec<_> = text.lines().collect();
///     let bulk = ctx.output("lines")?.send_all(lines.iter().copied()).await?;
///     for (index, why) in bulk.refused() {
///         eprintln!("{:?} was not taken: {why}", lines[index]);
///     }
///     bulk.complete()
/// }
/// ```
#[derive(Debug)]
#[must_use = "a message that was not taken is told here and nowhere else: `complete()?` makes it an error"]
pub struct Bulk {
    described: String,
    sent: usize,
    refused: Vec<(usize, String)>,
}

impl Bulk {
    pub(super) const fn new(described: String, sent: usize) -> Self {
        Self { described, sent, refused: Vec::new() }
    }

    pub(super) fn rejected(&mut self, rejected: Vec<Rejected>) -> Result<(), Error> {
        for Rejected { id, why } in rejected {
            let Some(index) = id.parse().ok().filter(|index| *index < self.sent) else {
                let text = format!("{}: the sidecar refused a message `{id}`, which was not sent", self.described);
                return Err(SidecarError::new(SidecarCode::Internal, text).into());
            };
            self.refused.push((index, why));
        }
        self.refused.sort_unstable();
        Ok(())
    }

    /// Returns the messages that were not taken, by their place among all, and why.
    pub fn refused(&self) -> impl Iterator<Item = (usize, &str)> {
        self.refused.iter().map(|(index, why)| (*index, why.as_str()))
    }

    /// Fails unless all were taken.
    ///
    /// # Errors
    /// When one or more were not; their places are in [`refused`](Self::refused).
    pub fn complete(self) -> Result<(), Error> {
        let Some((index, why)) = self.refused.first() else { return Ok(()) };
        let (refused, sent) = (self.refused.len(), self.sent);
        let text =
            format!("{}: {refused} of {sent} messages were not taken; the first is number {index}: {why}", self.described);
        Err(SidecarError::new(SidecarCode::Internal, text).into())
    }
}
