//! Random uses of the state stores and of the broker, beside models of what they are to do.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::sidecar::{Change, Changes, ReadOptions, SidecarCode};

/// What may be done to a state store.
#[derive(Debug, Clone)]
enum Use {
    Write { steps: Vec<Step>, transaction: bool },
    Restart,
}

#[derive(Debug, Clone)]
struct Step {
    key: u8,
    value: Option<u8>,
    etag: Etag,
    first_write: bool,
}

#[derive(Debug, Clone, Copy)]
enum Etag {
    None,
    Current,
    Old,
}

fn step() -> impl Strategy<Value = Step> {
    let etag = prop_oneof![2 => Just(Etag::None), 2 => Just(Etag::Current), 1 => Just(Etag::Old)];
    (0..4_u8, prop::option::weighted(0.8, any::<u8>()), etag, prop::bool::weighted(0.3))
        .prop_map(|(key, value, etag, first_write)| Step { key, value, etag, first_write })
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let write =
        (prop::collection::vec(step(), 1..4), any::<bool>()).prop_map(|(steps, transaction)| Use::Write { steps, transaction });
    prop::collection::vec(prop_oneof![12 => write, 1 => Just(Use::Restart)], 1..25)
}

/// A store as it should be.
#[derive(Debug, Clone, Default)]
struct Model {
    values: BTreeMap<u8, u8>,
    /// How often each key was written, which changes its etag.
    versions: BTreeMap<u8, u64>,
}

impl Model {
    fn allows(&self, step: &Step) -> bool {
        match (step.etag, self.values.contains_key(&step.key)) {
            (Etag::Old, _) | (Etag::Current, false) => false,
            (Etag::Current, true) => true,
            (Etag::None, there) => !(step.first_write && there),
        }
    }

    fn apply(&mut self, step: &Step) {
        *self.versions.entry(step.key).or_default() += 1;
        match step.value {
            Some(value) => self.values.insert(step.key, value),
            None => self.values.remove(&step.key),
        };
    }
}

async fn entry(local: &Local, key: u8) -> (Option<u8>, Option<String>) {
    let entry = local.state("store", key.to_string(), ReadOptions::default(), Scope::default()).await.unwrap();
    (entry.value.map(|value| value[0]), entry.etag)
}

async fn use_state(uses: Vec<Use>) -> Result<(), TestCaseError> {
    let folder = Folder::new();
    let manifest = Manifest { states: vec![state("store")], ..Manifest::default() };
    let function = Function::new(|_| success());
    let mut local = start(&manifest, &[], durable(&folder), &function).await;
    let mut model = Model::default();
    for one in uses {
        let Use::Write { steps, transaction } = one else {
            local.stop(LONG).await;
            local = start(&manifest, &[], durable(&folder), &function).await;
            continue;
        };
        // An etag is that of the moment before all of them.
        let mut changes = Vec::new();
        let mut known = BTreeMap::new();
        for step in &steps {
            let current = entry(&local, step.key).await.1;
            let etag = match step.etag {
                Etag::None => None,
                Etag::Current => Some(current.clone().unwrap_or_else(|| "4000000".to_owned())),
                Etag::Old => Some("4000000".to_owned()),
            };
            known.insert(step.key, (current, model.versions.get(&step.key).copied()));
            let value = step.value.map(|value| Bytes::copy_from_slice(&[value]));
            changes.push(Change {
                key: step.key.to_string(),
                value,
                etag,
                first_write: step.first_write,
                strong: false,
                metadata: Metadata::new(),
            });
        }
        let before = model.clone();
        let mut refused = false;
        for step in &steps {
            // In a transaction all etags are compared with what was there before it; else the steps before it count.
            let there = if transaction { &before } else { &model };
            let stale = there.versions.get(&step.key) != before.versions.get(&step.key);
            let allowed = there.allows(step) && !(stale && matches!(step.etag, Etag::Current));
            if allowed {
                model.apply(step);
            } else {
                refused = true;
            }
        }
        if transaction && refused {
            model = before;
        }
        let answer =
            local.change_states("store", Changes { changes, transaction, metadata: Metadata::new() }, Scope::default()).await;
        prop_assert_eq!(answer.as_ref().err().map(SidecarError::code), refused.then_some(SidecarCode::Aborted), "{:?}", steps);
        for key in 0..4 {
            let (value, etag) = entry(&local, key).await;
            prop_assert_eq!(value, model.values.get(&key).copied(), "key {} after {:?}", key, steps);
            if let Some((before, version)) = known.get(&key) {
                let written = model.versions.get(&key).copied() != *version;
                prop_assert_eq!(&etag != before, written && (etag.is_some() || before.is_some()));
            }
        }
    }
    local.stop(LONG).await;
    Ok(())
}

/// What may happen to a topic.
#[derive(Debug, Clone)]
enum Happens {
    Publish(u8),
    /// So many deliveries are answered.
    Answer(u8),
    Restart,
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        6 => (1..40_u8).prop_map(Happens::Publish),
        6 => (1..40_u8).prop_map(Happens::Answer),
        1 => Just(Happens::Restart),
    ];
    prop::collection::vec(one, 1..25)
}

async fn use_topic(happens: Vec<Happens>) -> Result<(), TestCaseError> {
    let folder = Folder::new();
    let answered: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    // Some fail at first, some are dropped, some are given up; all of that is an end.
    let function = {
        let answered = Arc::clone(&answered);
        Function::new(move |seen| {
            let number: u32 = seen.text().parse().unwrap();
            let outcome = match number % 10 {
                1 if seen.attempt == Some(1) => return retry("not yet"),
                2 => drop_it(),
                3 if seen.attempt < Some(3) => return retry("never"),
                3 => retry("never"),
                _ => success(),
            };
            answered.lock().unwrap().insert(seen.text());
            outcome
        })
    };
    let (function, gate) = function.gated();
    let mut local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    let mut published = 0_u32;
    for one in happens {
        match one {
            Happens::Publish(count) => {
                let texts = (published..published + u32::from(count)).map(|number| number.to_string());
                publish_all(&local, "orders", texts).await;
                published += u32::from(count);
            }
            Happens::Answer(count) => gate.add_permits(count.into()),
            Happens::Restart => {
                crash(local).await;
                local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
            }
        }
    }
    gate.add_permits(1_000_000);
    let all: BTreeSet<String> = (0..published).map(|number| number.to_string()).collect();
    eventually("all are answered", || *answered.lock().unwrap() == all).await;
    prop_assert!(local.stop(LONG).await);
    local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    let dead: BTreeSet<_> = local
        .broker
        .dead()
        .list(usize::MAX)
        .unwrap()
        .into_iter()
        .map(|(_, letter)| {
            let event: serde_json::Value = serde_json::from_slice(&letter.record.payload).unwrap();
            event["data"].as_str().unwrap().to_owned()
        })
        .collect();
    prop_assert_eq!(dead, (0..published).filter(|number| number % 10 == 3).map(|number| number.to_string()).collect());
    prop_assert_eq!(local.broker.waiting(), 0);
    prop_assert_eq!(local.broker.room(), local.broker.dead().size().unwrap(), "what is done takes no room");
    local.stop(LONG).await;
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_state_store_does_what_its_model_does(uses in uses()) {
        runtime().block_on(use_state(uses))?;
    }

    #[test]
    fn every_message_comes_to_its_end_whatever_happens(happens in happens()) {
        runtime().block_on(use_topic(happens))?;
    }
}
