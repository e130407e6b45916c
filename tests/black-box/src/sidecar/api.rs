//! The sidecar's HTTP API, as a function of any language or a person with curl would use it.

use serde_json::{Value, json};

use super::Daprd;
use crate::{Connection, Request, Response};

impl Daprd {
    /// Sends a request to its API, with its token.
    #[track_caller]
    pub fn send(&self, request: Request) -> Response {
        let request = match self.api_token() {
            Some(token) => request.header("dapr-api-token", token),
            None => request,
        };
        Connection::open(self.http()).send(&request)
    }

    /// Publishes an event.
    #[track_caller]
    pub fn publish(&self, topics: &str, topic: &str, content_type: &str, data: impl AsRef<[u8]>) {
        self.publish_with(topics, topic, content_type, data, &[]);
    }

    /// Publishes an event with metadata, such as `("rawPayload", "true")` or `("cloudevent.type", "placed")`.
    #[track_caller]
    pub fn publish_with(
        &self,
        topics: &str,
        topic: &str,
        content_type: &str,
        data: impl AsRef<[u8]>,
        metadata: &[(&str, &str)],
    ) {
        let path = format!("/v1.0/publish/{}/{}", encoded(topics), encoded(topic));
        self.send(Request::post(&with_metadata(path, metadata), content_type, data)).expect(204);
    }

    /// Invokes an output binding.
    #[track_caller]
    pub fn invoke_binding(&self, name: &str, operation: &str, data: &Value, metadata: &[(&str, &str)]) -> Response {
        let metadata: serde_json::Map<String, Value> =
            metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let body = json!({ "operation": operation, "data": data, "metadata": metadata });
        let path = format!("/v1.0/bindings/{}", encoded(name));
        let answer = self.send(Request::post(&path, "application/json", body.to_string()));
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        answer
    }

    /// Keeps a value.
    #[track_caller]
    pub fn save_state(&self, store: &str, key: &str, value: &Value) {
        let path = format!("/v1.0/state/{}", encoded(store));
        self.send(Request::post(&path, "application/json", json!([{ "key": key, "value": value }]).to_string())).expect(204);
    }

    /// The value that is kept, and none if there is none.
    #[track_caller]
    pub fn state(&self, store: &str, key: &str) -> Option<Value> {
        let answer = self.send(Request::get(&format!("/v1.0/state/{}/{}", encoded(store), encoded(key))));
        if answer.status == 204 { None } else { Some(answer.expect(200).json()) }
    }

    /// Forgets a value.
    #[track_caller]
    pub fn delete_state(&self, store: &str, key: &str) {
        self.send(Request::new("DELETE", &format!("/v1.0/state/{}/{}", encoded(store), encoded(key)))).expect(204);
    }

    /// Invokes a method of an app.
    #[track_caller]
    pub fn invoke_app(&self, app_id: &str, method: &str, content_type: &str, data: impl AsRef<[u8]>) -> Response {
        self.send(Request::post(&format!("/v1.0/invoke/{}/method/{method}", encoded(app_id)), content_type, data))
    }

    /// What it says of itself: `components`, `subscriptions` and more.
    #[track_caller]
    pub fn metadata(&self) -> Value {
        self.send(Request::get("/v1.0/metadata")).expect(200).json()
    }

    /// The subscriptions it has.
    #[track_caller]
    pub fn subscriptions(&self) -> Vec<Value> {
        self.metadata()["subscriptions"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until it has this many subscriptions: what is published before may be lost.
    ///
    /// It tells of a subscription before it subscribes; that it has done so it tells with its health, unless it asks the app for
    /// its own first.
    #[track_caller]
    pub fn wait_for_subscriptions(&self, count: usize) {
        crate::eventually("the sidecar has as many subscriptions", || {
            (self.subscriptions().len() >= count && self.is_ready()).then_some(())
        });
    }

    /// A figure that it counts, added up over all lines that have these labels:
    /// `("dapr_component_pubsub_ingress_count", &[("process_status", "success")])`.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let text = Connection::open(self.metrics()).send(&Request::get("/")).expect(200);
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let of_name =
            text.text().lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let wanted = of_name.filter(|line| labels.iter().all(|label| line.contains(label)));
        wanted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// A name as one part of a path or a query.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let coded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(coded).collect()
}

fn with_metadata(path: String, metadata: &[(&str, &str)]) -> String {
    metadata.iter().enumerate().fold(path, |path, (number, (name, value))| {
        format!("{path}{}metadata.{}={}", if number == 0 { '?' } else { '&' }, encoded(name), encoded(value))
    })
}
