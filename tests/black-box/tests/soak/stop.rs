//! SIGTERM under load: whatever was begun is answered, and whatever was answered well is kept.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use black_box_tests::{AppCallback, Connection, Folder, Program, Request, eventually};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde_json::json;

use crate::{
    journal::{Journal, id},
    scaled,
    stage::declared,
};

/// Those who deliver at once.
const CALLERS: usize = 8;

/// Delivers an event; tells whether it was answered well, and nothing where there was no answer.
type Deliver = Box<dyn FnMut(usize) -> Option<bool>>;

fn over_http(program: &Program) -> impl Fn() -> Deliver + Clone + Send + use<> {
    let address = program.address();
    let subscriptions = program.get("/dapr/subscribe").expect(200).json();
    let route = subscriptions[0]["route"].as_str().expect("a route").to_owned();
    move || {
        let (mut open, route) = (None::<Connection>, route.clone());
        Box::new(move |id| {
            let mut connection = open.take().map_or_else(|| Connection::try_open(address), Ok).ok()?;
            let event = json!({
                "specversion": "1.0", "id": id.to_string(), "source": "soak", "type": "soak",
                "datacontenttype": "text/plain", "data": id.to_string(),
            });
            let request = Request::post(&route, "application/cloudevents+json", event.to_string());
            let answer = connection.try_send(&request).ok()?;
            if answer.header("connection") != Some("close") {
                open = Some(connection);
            }
            Some(answer.status == 200)
        })
    }
}

fn over_grpc(program: &Program) -> impl Fn() -> Deliver + Clone + Send + use<> {
    let address = program.address();
    move || {
        let sidecar = AppCallback::connect(address);
        Box::new(move |id| {
            let event = TopicEventRequest {
                id: id.to_string(),
                source: "soak".to_owned(),
                r#type: "soak".to_owned(),
                spec_version: "1.0".to_owned(),
                data_content_type: "text/plain".to_owned(),
                data: id.to_string().into_bytes(),
                pubsub_name: "kept0".to_owned(),
                topic: "kept0".to_owned(),
                ..TopicEventRequest::default()
            };
            sidecar.topic(event).ok().map(|status| status == 0)
        })
    }
}

/// Delivers from many threads until nobody answers any more, and asks the process to end once some have been kept.
fn stop_under_load<D: Fn() -> Deliver + Clone + Send + 'static>(name: &str, deliver: impl Fn(&Program) -> D) {
    let folder = Folder::new(&format!("soak-stop-{name}"));
    for round in 0..scaled(10) {
        let mut journal = Journal::new(folder.path().join(round.to_string()));
        let start = declared(&[("kept", "kept")], &[]).target("keep").env("JOURNAL", journal.path()).env("PAUSE", "3");
        // It has a sidecar, which is not there: nobody but the callers here brings it anything.
        let program = start.env("DAPR_GRPC_PORT", "1").serve();
        let (deliver, next) = (deliver(&program), Arc::<AtomicUsize>::default());
        let callers = (0..CALLERS).map(|_| {
            let (connect, next) = (deliver.clone(), Arc::clone(&next));
            thread::spawn(move || {
                let (mut deliver, mut answered) = (connect(), Vec::new());
                loop {
                    let id = next.fetch_add(1, SeqCst);
                    match deliver(id) {
                        Some(true) => answered.push(id),
                        Some(false) => {}
                        None => return answered,
                    }
                }
            })
        });
        let callers: Vec<_> = callers.collect();
        let mut kept = 0;
        eventually("some are kept", || {
            kept += journal.kept().len();
            (kept >= 200).then_some(())
        });
        let ended = program.terminate().expect(0, &["draining", "stopped"]);
        let answered: BTreeSet<usize> =
            callers.into_iter().flat_map(|caller| caller.join().expect("a caller does not panic")).collect();
        let lines = journal.lines();
        let all = |what: &str| lines.iter().filter_map(|line| line.strip_prefix(what)).map(id).collect::<BTreeSet<_>>();
        let (begun, kept) = (all("begun keep "), all("ended keep "));
        let cut: Vec<_> = begun.difference(&kept).collect();
        assert!(cut.is_empty(), "begun, and cut: {cut:?}\n{}", ended.errors);
        let lost: Vec<_> = answered.difference(&kept).collect();
        assert!(lost.is_empty(), "answered well, and not kept: {lost:?}\n{}", ended.errors);
        let unanswered: Vec<_> = begun.difference(&answered).collect();
        assert!(unanswered.is_empty(), "begun, and never answered: {unanswered:?}\n{}", ended.errors);
    }
}

#[test]
fn a_stop_under_load_over_http_cuts_nothing() {
    stop_under_load("http", over_http);
}

#[test]
fn a_stop_under_load_over_grpc_cuts_nothing() {
    stop_under_load("grpc", over_grpc);
}
