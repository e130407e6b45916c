//! Folders of Dapr's resource files.

use super::{
    super::{
        component::{Bulk, Component, MetadataValue, Resources, Rule},
        resources,
    },
    sources::Folder,
};

fn read(files: &[(&str, &str)]) -> Result<Resources, String> {
    let folder = Folder::of(files);
    resources::read(folder.path()).map_err(|error| error.replace(&format!("{}/", folder.path().display()), ""))
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(read(&[("a.yaml", text)]).expect_err("it is refused"), expected);
}

#[test]
fn components_and_subscriptions_are_read_and_other_kinds_are_not_ours() {
    let components = "\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: broker
spec:
  type: pubsub.redis
  version: v2
  ignoreErrors: true
  initTimeout: 5s
  metadata:
  - {name: redisHost, value: 'localhost:6379'}
  - {name: enableTLS, value: false}
  - {name: maxRetries, value: 3}
  - {name: redisPassword, secretKeyRef: {name: redis, key: password}}
  - {name: token, secretKeyRef: {name: token}}
  - {name: user, envRef: REDIS_USER}
  - {name: empty, value: '', secretKeyRef: {name: '', key: ''}}
auth: {secretStore: vault}
scopes: [f, g]
---
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: r}
spec: {policies: {}}
---
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
";
    let subscriptions = "\
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: new}
spec:
  pubsubname: broker
  topic: orders
  routes: {default: /orders, rules: [{match: 'event.type == \"a\"', path: /a}, {path: /b}]}
  deadLetterTopic: dead
  bulkSubscribe: {enabled: true, maxMessagesCount: 100, maxAwaitDurationMs: 40}
  metadata: {rawPayload: true}
scopes: [f]
---
apiVersion: dapr.io/v1alpha1
kind: Subscription
metadata: {name: old}
spec: {pubsubname: broker, topic: mails, route: /mails, bulkSubscribe: {enabled: false, maxMessagesCount: 2}}
";
    let files = [("b.yml", subscriptions), ("a.yaml", components), ("notes.txt", "{"), ("empty.yaml", "# nothing\n")];
    let Resources { components, subscriptions } = read(&files).unwrap();

    let [component] = &components[..] else { panic!("{components:?}") };
    let Component { name, component_type, version, metadata, secret_store, scopes } = component;
    assert_eq!((name.as_str(), component_type.as_str(), version.as_str()), ("broker", "pubsub.redis", "v2"));
    assert_eq!((secret_store.as_deref(), scopes.len()), (Some("vault"), 2));
    let plain = |text: &str| MetadataValue::Plain(text.to_owned());
    let secret = |name: &str, key: &str| MetadataValue::Secret { name: name.to_owned(), key: key.to_owned() };
    let expected = [
        ("redisHost", plain("localhost:6379")),
        ("enableTLS", plain("false")),
        ("maxRetries", plain("3")),
        ("redisPassword", secret("redis", "password")),
        ("token", secret("token", "token")),
        ("user", MetadataValue::Environment("REDIS_USER".to_owned())),
        ("empty", plain("")),
    ];
    assert_eq!(*metadata, expected.map(|(name, value)| (name.to_owned(), value)));

    let [new, old] = &subscriptions[..] else { panic!("{subscriptions:?}") };
    assert_eq!((new.name.as_str(), new.component.as_str(), new.topic.as_str()), ("new", "broker", "orders"));
    let rule = |matches: &str, path: &str| Rule { matches: matches.to_owned(), path: path.to_owned() };
    assert_eq!(new.rules, [rule("event.type == \"a\"", "/a"), rule("", "/b")]);
    assert_eq!((new.default_path.as_deref(), new.dead_letter_topic.as_deref()), (Some("/orders"), Some("dead")));
    assert_eq!(new.bulk, Some(Bulk { max_messages: Some(100), max_await_ms: Some(40) }));
    assert_eq!((new.metadata["rawPayload"].as_str(), &new.scopes[..]), ("true", &["f".to_owned()][..]));
    assert_eq!((old.default_path.as_deref(), old.rules.len(), old.bulk), (Some("/mails"), 0, None));
}

#[test]
fn a_component_that_lacks_something_is_told_where() {
    let head = "apiVersion: dapr.io/v1alpha1\nkind: Component\n";
    refused(&format!("{head}spec: {{type: a.b}}\n"), "a.yaml:1:1: metadata.name: expected the name of the component");
    refused(
        &format!("{head}metadata: {{name: x}}\nspec:\n  version: v1\n"),
        "a.yaml:5:3: spec.type: expected a type such as `pubsub.redis`",
    );
    refused(
        &format!("{head}metadata: {{name: x}}\nspec:\n  type: a.b\n  metadata:\n  - value: 3\n"),
        "a.yaml:7:5: spec.metadata[0].name: expected a name",
    );
    refused(
        &format!("{head}metadata: {{name: x}}\nspec:\n  type: a.b\n  metadata:\n  - {{name: a, vaule: 3}}\n"),
        "a.yaml:7:22: spec.metadata[0].vaule: it is not known here: expected one of name, value, secretKeyRef, envRef; did you mean `value`?",
    );
    refused(&format!("{head}metadata: [x]\n"), "a.yaml:3:11: metadata: a list: expected an object");
}

#[test]
fn a_subscription_that_lacks_something_is_told_where() {
    let head = "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: x}\nspec:\n";
    refused(&format!("{head}  topic: t\n"), "a.yaml:5:3: spec.pubsubname: expected the name of a pub/sub component");
    refused(&format!("{head}  pubsubname: p\n"), "a.yaml:5:3: spec.topic: expected the topic to subscribe to");
    refused(
        &format!("{head}  pubsubname: p\n  topic: t\n").replace("v2", "v3"),
        "a.yaml:1:13: apiVersion: \"dapr.io/v3alpha1\": expected dapr.io/v1alpha1 or dapr.io/v2alpha1",
    );
}

#[test]
fn two_components_of_one_name_are_one_too_many() {
    let component = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: a.b}\n";
    let error = read(&[("a.yaml", component), ("b.yaml", component)]).expect_err("it is refused");
    assert_eq!(error, "b.yaml:3:18: metadata.name: \"x\" is the name of a component in a.yaml too");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::of(&[]);
    let error = resources::read(&folder.path().join("none")).expect_err("it is refused");
    assert!(error.contains("none: cannot read the folder of resources: No such file"), "{error}");
}
