//! Events that come one after another: a lane for each key, others in parallel.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// One lane for each key that is in use.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<HashMap<Box<str>, Arc<tokio::sync::Mutex<()>>>>);

/// The right to be the only one in a lane.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    lanes: &'a Lanes,
    key: Box<str>,
    /// Given up in `drop`, before the lane is looked at.
    held: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for the turn; who came first is first.
    pub(super) async fn enter(&self, key: &str) -> Turn<'_> {
        let lane = {
            let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match lanes.get(key) {
                Some(lane) => Arc::clone(lane),
                None => Arc::clone(lanes.entry(key.into()).or_default()),
            }
        };
        // Made before the wait: who gives up waiting must leave no lane behind either.
        let mut turn = Turn { lanes: self, key: key.into(), held: None };
        turn.held = Some(lane.lock_owned().await);
        turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut lanes = self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds the lane or waits for it any more: the map's own is the last.
        if lanes.get(&self.key).is_some_and(|lane| Arc::strong_count(lane) == 1) {
            lanes.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_key_waits_for_itself_only() {
        let lanes = Lanes::default();
        let first = lanes.enter("a").await;
        assert!(timeout(Duration::from_secs(1), lanes.enter("a")).await.is_err());
        drop(lanes.enter("b").await);
        assert_eq!(lanes.0.lock().unwrap().len(), 1, "only `a` is in use");
        drop(first);
        assert!(timeout(Duration::from_secs(1), lanes.enter("a")).await.is_ok());
        assert!(lanes.0.lock().unwrap().is_empty(), "nothing is left behind, by those that gave up either");
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_arrival() {
        let lanes = Arc::new(Lanes::default());
        let first = lanes.enter("a").await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..5 {
            let (lanes, order) = (Arc::clone(&lanes), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _turn = lanes.enter("a").await;
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }
}
