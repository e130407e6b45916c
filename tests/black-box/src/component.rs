//! What a sidecar is given to load: components, subscriptions, policies.
//!
//! The names of settings and types are Dapr's; a [`with`](Resource::with) sets any other.

use std::{fmt, path::Path};

use serde_json::{Value, json};

use crate::{Mosquitto, Nats, Redis};

/// One resource. Its text is JSON, which is YAML too.
#[derive(Debug, Clone)]
pub struct Resource(Value);

impl Resource {
    /// Of any kind, as it is.
    pub const fn new(resource: Value) -> Self {
        Self(resource)
    }

    /// Sets a setting of a component, or takes it back.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let Value::Array(settings) = &mut self.0["spec"]["metadata"] else { panic!("no component: {}", self.0) };
        settings.retain(|setting| setting["name"] != name);
        settings.push(json!({ "name": name, "value": value.to_string() }));
        self
    }

    /// Loads it for this app only.
    #[must_use]
    pub fn scope(mut self, app: &str) -> Self {
        self.0["scopes"] = json!([app]);
        self
    }

    /// Sets a field in the `spec` of a subscription, such as `deadLetterTopic`.
    #[must_use]
    pub fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["spec"][field] = value.into();
        self
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A component of any type, without a setting.
pub fn component(name: &str, kind: &str) -> Resource {
    Resource(json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": { "name": name },
        "spec": { "type": kind, "version": "v1", "metadata": [] },
    }))
}

/// Topics within the sidecar: one message after another, never again after an error.
pub fn memory_topics(name: &str) -> Resource {
    component(name, "pubsub.in-memory")
}

/// Topics as streams of Redis. They take a message as done after any error; what was not answered comes again.
pub fn redis_topics(name: &str, redis: &Redis) -> Resource {
    let topics = component(name, "pubsub.redis").with("redisHost", redis.address());
    topics.with("processingTimeout", "2s").with("redeliverInterval", "1s")
}

/// Topics as subjects of `JetStream`, which must be in a stream already. After an error a message comes again soon.
///
/// One message after another: with `concurrency` set to `parallel` this sidecar acknowledges what it has not delivered yet,
/// and what fails is lost. It begins with all there is at every start of the sidecar.
pub fn jetstream_topics(name: &str, nats: &Nats) -> Resource {
    let topics = component(name, "pubsub.jetstream").with("natsURL", format!("nats://{}", nats.address()));
    topics.with("deliverPolicy", "all").with("ackWait", "500ms")
}

/// The same, going on where it was after the sidecar has been away. The name is of one topic: each has its own component.
pub fn durable_jetstream_topic(name: &str, nats: &Nats, durable: &str) -> Resource {
    jetstream_topics(name, nats).with("durableName", durable).with("queueGroupName", durable)
}

/// Topics of MQTT. After an error a message comes again when the sidecar connects again.
pub fn mqtt_topics(name: &str, broker: &Mosquitto) -> Resource {
    mqtt(name, "pubsub.mqtt3", broker)
}

/// An input and output of MQTT.
pub fn mqtt_binding(name: &str, broker: &Mosquitto, topic: &str) -> Resource {
    mqtt(name, "bindings.mqtt3", broker).with("topic", topic).with("direction", "input, output")
}

fn mqtt(name: &str, kind: &str, broker: &Mosquitto) -> Resource {
    let component = component(name, kind).with("url", format!("mqtt://{}", broker.address())).with("qos", 1);
    // Two clients of one name take the connection from each other without end, and the default is the app's for all.
    component.with("consumerID", format!("{{appID}}-{name}"))
}

/// A clock: `@every 1s`, or six fields.
pub fn cron(name: &str, schedule: &str) -> Resource {
    component(name, "bindings.cron").with("schedule", schedule).with("direction", "input")
}

/// An output that calls a URL.
pub fn http_output(name: &str, url: &str) -> Resource {
    component(name, "bindings.http").with("url", url).with("direction", "output")
}

/// An output that writes files.
pub fn file_output(name: &str, folder: &Path) -> Resource {
    component(name, "bindings.localstorage").with("rootPath", folder.display()).with("direction", "output")
}

/// An output that sets keys of Redis.
pub fn redis_output(name: &str, redis: &Redis) -> Resource {
    component(name, "bindings.redis").with("redisHost", redis.address()).with("direction", "output")
}

/// State within the sidecar.
pub fn memory_state(name: &str) -> Resource {
    component(name, "state.in-memory")
}

/// State in Redis.
pub fn redis_state(name: &str, redis: &Redis) -> Resource {
    component(name, "state.redis").with("redisHost", redis.address())
}

/// Secrets of the sidecar's environment.
pub fn environment_secrets(name: &str) -> Resource {
    component(name, "secretstores.local.env")
}

/// Secrets of a JSON file.
pub fn file_secrets(name: &str, file: &Path) -> Resource {
    component(name, "secretstores.local.file").with("secretsFile", file.display())
}

/// A subscription that the app does not ask for itself; [`set`](Resource::set) adds `deadLetterTopic`, `bulkSubscribe`,
/// `metadata` or other `routes`.
pub fn subscription(topics: &str, topic: &str, path: &str) -> Resource {
    Resource(json!({
        "apiVersion": "dapr.io/v2alpha1",
        "kind": "Subscription",
        "metadata": { "name": format!("{topics}-{topic}") },
        "spec": { "pubsubname": topics, "topic": topic, "routes": { "default": path } },
    }))
}

/// A policy that calls the app again after an error, so many times and at once, for what comes in from these components.
pub fn retries(components: &[&str], count: u32) -> Resource {
    let targets = components.iter().map(|name| ((*name).to_owned(), json!({ "inbound": { "retry": "again" } })));
    Resource(json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Resiliency",
        "metadata": { "name": "retries" },
        "spec": {
            "policies": { "retries": { "again": { "policy": "constant", "duration": "10ms", "maxRetries": count } } },
            "targets": { "components": targets.collect::<serde_json::Map<_, _>>() },
        },
    }))
}
