//! The way of segments to the collector, which holds up nobody.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::stream;
use http::{Uri, uri::PathAndQuery};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::{
    Request,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::{
    error::Error,
    span::skywalking::{Queue, protocol::SegmentObject},
};

/// What came first waits so long for others.
const DELAY: Duration = Duration::from_millis(500);

/// So many are reported at a time.
const MOST: usize = 256;

/// So long a collector may take for them.
const PATIENCE: Duration = Duration::from_secs(10);

const COLLECT: &str = "/skywalking.v3.TraceSegmentReportService/collect";

/// Reports segments, in a task of its own.
#[derive(Debug)]
pub(super) struct Reporter(Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What a collector answers, which asks nothing of who only reports.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Commands {}

impl Reporter {
    /// Begins. The connection is made when there is something to report.
    pub(super) fn start(uri: Uri, waiting: mpsc::Receiver<SegmentObject>, queue: Queue) -> Self {
        let (stop, stopped) = oneshot::channel();
        let channel = Endpoint::from(uri).connect_timeout(PATIENCE / 2).connect_lazy();
        let work = Work { channel, waiting, lost: Lost { queue, count: 0, is_told: false } };
        let task = tokio::spawn(work.run(stopped));
        Self(Mutex::new(Some(Running { stop, task })))
    }

    /// Reports what waits, for as long as that may take, and ends.
    pub(super) async fn close(&self, within: Duration) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { stop, mut task }) = running else { return };
        // Who does not hear it has ended already.
        let _ = stop.send(());
        if timeout(within, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("spans are lost: not all were sent before the end");
        }
    }
}

struct Work {
    channel: Channel,
    waiting: mpsc::Receiver<SegmentObject>,
    lost: Lost,
}

impl Work {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(MOST);
        loop {
            tokio::select! {
                came = self.waiting.recv_many(&mut batch, MOST) => if came == 0 { return },
                _ = &mut stopped => break,
            }
            if self.gather(&mut batch, &mut stopped).await {
                break;
            }
            self.report(&mut batch).await;
        }
        // Invocations may end a little after the last of them was waited for; nobody hears of those.
        self.waiting.close();
        loop {
            let room = MOST.saturating_sub(batch.len());
            if room > 0 {
                self.waiting.recv_many(&mut batch, room).await;
            }
            if batch.is_empty() {
                break;
            }
            if !self.report(&mut batch).await {
                // It would be no better with the next.
                while self.waiting.recv_many(&mut batch, MOST).await > 0 {}
                self.lost.count += batch.len() as u64;
                break;
            }
        }
        self.lost.conclude();
    }

    /// Waits for more, so that not every segment is a call of its own; tells whether it shall end.
    async fn gather(&mut self, batch: &mut Vec<SegmentObject>, stopped: &mut oneshot::Receiver<()>) -> bool {
        let end = sleep(DELAY);
        tokio::pin!(end);
        while batch.len() < MOST {
            let room = MOST - batch.len();
            tokio::select! {
                came = self.waiting.recv_many(batch, room) => if came == 0 { return false },
                () = &mut end => return false,
                _ = &mut *stopped => return true,
            }
        }
        false
    }

    async fn report(&mut self, batch: &mut Vec<SegmentObject>) -> bool {
        let count = batch.len() as u64;
        let segments = std::mem::replace(batch, Vec::with_capacity(MOST));
        match timeout(PATIENCE, self.send(segments)).await {
            Ok(Ok(())) => {
                self.lost.recovered();
                return true;
            }
            Ok(Err(error)) => self.lost.add(count, &error),
            Err(_) => self.lost.add(count, &format!("it took longer than {} s", PATIENCE.as_secs())),
        }
        false
    }

    async fn send(&self, segments: Vec<SegmentObject>) -> Result<(), String> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Error::new(error).line())?;
        let codec = ProstCodec::<SegmentObject, Commands>::default();
        let request = Request::new(stream::iter(segments));
        let answered = grpc.client_streaming(request, PathAndQuery::from_static(COLLECT), codec).await;
        answered.map(|_| ()).map_err(|status| status.to_string())
    }
}

/// The segments that no collector took.
struct Lost {
    queue: Queue,
    count: u64,
    /// Somebody has been told that they are lost, and not yet how many.
    is_told: bool,
}

impl Lost {
    fn add(&mut self, count: u64, error: &dyn Display) {
        self.count += count;
        if !self.is_told {
            self.is_told = true;
            tracing::warn!(%error, "spans are lost: SkyWalking's OAP does not take them");
        }
    }

    fn recovered(&mut self) {
        let refused = self.queue.take_refused();
        self.count += refused;
        if self.is_told && refused == 0 {
            self.is_told = false;
            let lost = std::mem::take(&mut self.count);
            tracing::info!(lost, "SkyWalking's OAP takes spans again");
        } else if !self.is_told && refused > 0 {
            self.is_told = true;
            tracing::warn!("spans are lost: there are more than SkyWalking's OAP takes");
        }
    }

    /// Says how many were lost since anybody was told.
    fn conclude(self) {
        let lost = self.count + self.queue.take_refused();
        if lost > 0 {
            tracing::warn!(lost, "spans were lost: SkyWalking's OAP did not take them");
        }
    }
}
