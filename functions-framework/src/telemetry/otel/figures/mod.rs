//! The figures of the process on their way to a collector: read where Prometheus would read them, as often as is asked for.
//!
//! Nothing waits: figures are sums from the start on, so that the next message has what one that was lost had.

mod message;
mod way;

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval_at, timeout},
};

use super::{super::Service, config::Pushing};
use crate::{
    startup::Exit,
    telemetry::{
        metrics::{Page, families},
        print,
    },
};
use message::About;
use way::Way;

/// Figures that are sent, until this is dropped.
#[derive(Debug)]
pub(crate) struct Figures {
    every: Duration,
    is_asked_for: bool,
    sender: Arc<Sender>,
    begun: Option<(Page, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Sender {
    /// To the collector, if there is one, with its address.
    way: Option<(Way, String)>,
    is_printed: bool,
    about: About,
    timeout: Duration,
}

impl Figures {
    /// Reads where figures go; nothing where nobody asks for it.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub(crate) fn read(service: &Service) -> Result<Option<Self>, Exit> {
        let environment = |name: &str| std::env::var_os(name);
        let Some(pushing) = Pushing::read(&environment, service).map_err(Exit::configuration)? else { return Ok(None) };
        let Pushing { collector, is_printed, every, timeout, resource, is_asked_for } = pushing;
        let timeout = collector.as_ref().map_or(timeout, |collector| collector.timeout.min(timeout));
        let way = match collector {
            Some(collector) => Some((Way::open(&collector).map_err(Exit::configuration)?, collector.endpoint)),
            None => None,
        };
        let sender = Arc::new(Sender { way, is_printed, about: About::new(resource), timeout });
        Ok(Some(Self { every, is_asked_for, sender, begun: None }))
    }

    /// Whether somebody wants figures there, and not only has a collector.
    pub(crate) const fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Begins to send.
    pub(crate) fn begin(mut self, page: Page) -> Self {
        let every_s = self.every.as_secs_f64();
        if let Some((_, endpoint)) = &self.sender.way {
            tracing::info!(endpoint, every_s, "metrics are sent");
        } else {
            tracing::info!(every_s, "metrics are written here");
        }
        let (sender, every, of) = (Arc::clone(&self.sender), self.every, page.clone());
        let task = tokio::spawn(async move { sender.run(&of, every).await });
        self.begun = Some((page, task));
        self
    }

    /// Sends them for the last time, for as long as that may take.
    pub(crate) async fn close(&self, within: Duration) {
        let Some((page, task)) = &self.begun else { return };
        // What it is sending says less than what is sent now.
        task.abort();
        if let Err(error) = self.sender.send(page, within).await {
            tracing::warn!(error, "the collector did not take the last metrics");
        }
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.begun {
            task.abort();
        }
    }
}

impl Sender {
    /// Sends figures for as long as it is polled, and says once when nobody takes them, and when somebody does again.
    async fn run(&self, page: &Page, every: Duration) {
        let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_told = false;
        loop {
            ticks.tick().await;
            match self.send(page, self.timeout).await {
                Ok(()) if is_told => {
                    is_told = false;
                    tracing::info!("the collector takes metrics again");
                }
                Err(error) if !is_told => {
                    is_told = true;
                    tracing::warn!(
                        error,
                        "the collector does not take metrics; the first that it takes will have what they missed"
                    );
                }
                _ => {}
            }
        }
    }

    async fn send(&self, page: &Page, within: Duration) -> Result<(), String> {
        let page = page.render();
        if self.is_printed {
            print(&lines(&page));
        }
        let Some((way, _)) = &self.way else { return Ok(()) };
        let message = self.about.message(families(&page));
        match timeout(within, way.send(message)).await {
            Ok(sent) => sent,
            Err(_) => Err(format!("it took longer than {} s", within.as_secs_f64())),
        }
    }
}

/// The figures for who sits before them: without what is said of them, what has not happened, and the buckets of histograms.
fn lines(page: &str) -> String {
    let is_read =
        |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.ends_with(" 0") && !line.contains("_bucket{");
    page.lines().filter(is_read).fold(String::from("metrics\n"), |text, line| text + "  " + line + "\n")
}
