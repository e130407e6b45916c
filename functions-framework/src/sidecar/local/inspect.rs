//! `/_local`: looks inside, and puts events in by hand.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Local,
    api::{Refusal, content_type, from_here, metadata_of},
    cron::tick,
    plan::{From, Source},
    record::{self, Letter, Record},
    sent::data,
    subscriber::{Kind, queued},
    wrap::{self, Published},
};
use crate::{
    delivery::{Incoming, Outcome},
    outcome::Verdict,
    server::crash,
    sidecar::{Metadata, SidecarCode, SidecarError, Trace},
};

impl Local {
    /// What serves `/_local`, on the port of the local backend and, for callers of this machine, on that of the function.
    pub(crate) fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/_local/inputs", get(inputs))
            // Inputs that are declared in code have a slash in their names.
            .route("/_local/inputs/{*name}", post(put))
            .route("/_local/outputs", get(outputs))
            .route("/_local/dead-letters", get(letters).delete(forget_all))
            .route("/_local/dead-letters/replay", post(replay_all))
            .route("/_local/dead-letters/{number}", get(letter).delete(forget))
            .route("/_local/dead-letters/{number}/replay", post(replay))
            .layer(from_fn(from_here))
            .layer(DefaultBodyLimit::max(self.options.max_body_size))
            .with_state(Arc::clone(self))
    }
}

/// Lists the inputs, where their events come from and how many wait.
async fn inputs(State(local): State<Arc<Local>>) -> Json<Value> {
    let inputs: Vec<_> = local.plan.inputs.iter().map(|source| describe(&local, source)).collect();
    Json(json!({ "inputs": inputs }))
}

fn describe(local: &Local, source: &Source) -> Value {
    let component_type = local.plan.parts.get(&source.component).map_or("", |part| &part.component_type);
    let mut value = json!({ "name": source.input, "component": source.component, "type": component_type });
    match &source.from {
        From::Clock(schedule) => {
            value["schedule"] = json!(schedule.to_string());
            value["next"] = json!(schedule.after(Timestamp::now()).map(|next| next.to_string()));
        }
        From::Messages { subscriptions, kind, .. } => {
            let names: Vec<_> = subscriptions.iter().map(super::broker::Subscription::queue).collect();
            let waiting: usize =
                local.broker.queues().filter(|queue| names.contains(&queue.name)).map(|queue| queue.len()).sum();
            let addresses: Vec<_> = subscriptions.iter().map(|subscription| &subscription.address).collect();
            value[if matches!(kind, Kind::Queue) { "queues" } else { "topics" }] = json!(addresses);
            value["waiting"] = json!(waiting);
        }
        From::Outside => {}
    }
    value
}

/// Brings an event to an input, once and now, and answers what became of it.
async fn put(
    State(local): State<Arc<Local>>,
    Path(name): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Some(source) = local.plan.inputs.iter().find(|source| source.input == name) else {
        let known: Vec<_> = local.plan.inputs.iter().map(|source| source.input.as_str()).collect();
        let text = format!("there is no input {name:?} (declared: {})", known.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, "ERR_NOT_FOUND", text));
    };
    let Some(deliver) = local.deliver.get().filter(|_| !*local.phase.borrow()) else {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ERR_NOT_READY", "the function is starting or stopping"));
    };
    let incoming = incoming(&local, source, &headers, body, metadata_of(&pairs));
    let incoming = incoming.map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, "ERR_MALFORMED_REQUEST", why))?;
    let outcome = crash::contained(async { deliver(&name, incoming).await }).await;
    let Outcome { verdict, data: answer, why, .. } = outcome.unwrap_or_else(|crash| Outcome::retry(crash.to_string()));
    let (status, verdict) = match verdict {
        Verdict::Success => (StatusCode::OK, "success"),
        Verdict::Retry => (StatusCode::SERVICE_UNAVAILABLE, "retry"),
        Verdict::Drop => (StatusCode::UNPROCESSABLE_ENTITY, "drop"),
    };
    let mut told = json!({ "input": name, "verdict": verdict });
    if let Some(why) = why {
        told["why"] = json!(why);
    }
    if !answer.is_empty() {
        let (name, value) = data(&answer);
        told[name] = value;
    }
    Ok((status, Json(told)).into_response())
}

/// The event that a request stands for, on the way that its input's events have.
fn incoming(local: &Local, source: &Source, headers: &HeaderMap, body: Bytes, metadata: Metadata) -> Result<Incoming, String> {
    let once = |incoming| Ok(Incoming { attempt: Some(1), ..incoming });
    match &source.from {
        From::Clock(_) => {
            let tick = tick();
            once(Incoming {
                payload: body,
                metadata: tick.metadata.into_iter().chain(metadata).collect(),
                ..queued(Bytes::new(), Metadata::new())
            })
        }
        From::Messages { kind: Kind::Queue, .. } | From::Outside => once(queued(body, metadata)),
        From::Messages { kind: kind @ Kind::Topic { component, raw, .. }, subscriptions, .. } => {
            let topic = subscriptions.first().map_or("", |subscription| &subscription.address);
            let payload = if *raw { body } else { envelope(local, component, topic, headers, &body, &metadata)? };
            let record = Record { address: topic.to_owned(), sent: record::now(), expires: None, metadata, payload };
            once(kind.incoming(&record)?)
        }
    }
}

/// The envelope of what was given: an event in structured or binary mode, or data.
fn envelope(
    local: &Local,
    component: &str,
    topic: &str,
    headers: &HeaderMap,
    body: &Bytes,
    metadata: &Metadata,
) -> Result<Bytes, String> {
    let mut content_type = content_type(headers);
    let mut payload = body.clone();
    let attributes =
        headers.iter().filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value.to_str().ok()?)));
    let attributes: std::collections::BTreeMap<_, _> = attributes.collect();
    if !attributes.is_empty() {
        payload = wrap::of_binary(&attributes, content_type, body);
        content_type = "application/cloudevents+json";
    }
    let trace = Trace::default();
    let (app, payload) = (local.options.app.as_str(), &payload);
    let wrapped = wrap::wrap(&Published { app, component, topic, content_type, payload, metadata, trace: &trace });
    wrapped.map(|wrapped| wrapped.bytes).map_err(|error| error.message().to_owned())
}

/// How many are shown, and of which component.
#[derive(Deserialize)]
struct Which {
    limit: Option<usize>,
    component: Option<String>,
}

/// As many are shown unless the caller says otherwise.
const SHOWN: usize = 100;

async fn outputs(State(local): State<Arc<Local>>, Query(which): Query<Which>) -> Json<Value> {
    Json(local.sent.json(which.limit.unwrap_or(SHOWN), which.component.as_deref()))
}

async fn letters(State(local): State<Arc<Local>>, Query(which): Query<Which>) -> Result<Json<Value>, Refusal> {
    let dead = local.broker.dead();
    let letters = dead.list(which.limit.unwrap_or(SHOWN)).map_err(|error| refused(&error))?;
    let letters: Vec<_> = letters.iter().map(|(number, letter)| show(*number, letter)).collect();
    Ok(Json(json!({ "count": dead.len().map_err(|error| refused(&error))?, "deadLetters": letters })))
}

async fn letter(State(local): State<Arc<Local>>, Path(number): Path<u64>) -> Result<Json<Value>, Refusal> {
    local.broker.dead().get(number).map(|letter| Json(show(number, &letter))).map_err(|error| refused(&error))
}

fn show(number: u64, letter: &Letter) -> Value {
    let given_up = i64::try_from(letter.given_up).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    let mut value = json!({
        "id": number,
        "queue": letter.queue,
        "topic": letter.record.address,
        "why": letter.why,
        "attempts": letter.attempts,
        "time": given_up.map(|time| time.to_string()),
        "metadata": letter.record.metadata,
    });
    let (name, data) = data(&letter.record.payload);
    value[name] = data;
    value
}

async fn replay(State(local): State<Arc<Local>>, Path(number): Path<u64>) -> Result<Json<Value>, Refusal> {
    local.broker.replay(number).await.map_err(|error| refused(&error))?;
    Ok(Json(json!({ "replayed": [number] })))
}

/// Replays all that are there now; those that no input takes stay.
async fn replay_all(State(local): State<Arc<Local>>) -> Result<Json<Value>, Refusal> {
    let (mut replayed, mut stayed) = (Vec::new(), Vec::new());
    for number in local.broker.dead().numbers().map_err(|error| refused(&error))? {
        match local.broker.replay(number).await {
            Ok(()) => replayed.push(number),
            Err(error) => stayed.push(json!({ "id": number, "why": error.message() })),
        }
    }
    Ok(Json(json!({ "replayed": replayed, "stayed": stayed })))
}

async fn forget(State(local): State<Arc<Local>>, Path(number): Path<u64>) -> Result<StatusCode, Refusal> {
    local.broker.forget(number).await.map(|()| StatusCode::NO_CONTENT).map_err(|error| refused(&error))
}

async fn forget_all(State(local): State<Arc<Local>>) -> Result<StatusCode, Refusal> {
    for number in local.broker.dead().numbers().map_err(|error| refused(&error))? {
        local.broker.forget(number).await.map_err(|error| refused(&error))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: &SidecarError) -> Refusal {
    let (status, code) = match error.code() {
        SidecarCode::NotFound => (StatusCode::NOT_FOUND, "ERR_NOT_FOUND"),
        SidecarCode::FailedPrecondition => (StatusCode::CONFLICT, "ERR_CONFLICT"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "ERR_INTERNAL"),
    };
    Refusal::new(status, code, error.message())
}
