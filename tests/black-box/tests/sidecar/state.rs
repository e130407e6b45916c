//! State and secrets.

use std::fs;

use black_box_tests::{Folder, Redis, Resource, Sidecar, component};
use serde_json::json;

#[track_caller]
fn keeps(store: Resource) {
    let sidecar = Sidecar::new("shop").with(store).start();
    assert_eq!(sidecar.state("store", "cart/7"), None);
    sidecar.save_state("store", "cart/7", &json!({ "items": ["a"] }));
    assert_eq!(sidecar.state("store", "cart/7"), Some(json!({ "items": ["a"] })));
    sidecar.delete_state("store", "cart/7");
    assert_eq!(sidecar.state("store", "cart/7"), None);
}

#[test]
fn memory_keeps_a_value() {
    keeps(component::memory_state("store"));
}

#[test]
fn redis_keeps_a_value() {
    keeps(component::redis_state("store", &Redis::start()));
}

#[test]
fn redis_keeps_a_value_over_its_restart() {
    let mut redis = Redis::start();
    let sidecar = Sidecar::new("shop").with(component::redis_state("store", &redis)).start();
    sidecar.save_state("store", "key", &json!(1));
    redis.kill();
    redis.start_again();
    black_box_tests::eventually("the sidecar has connected again", || {
        let answer = sidecar.send(black_box_tests::Request::get("/v1.0/state/store/key"));
        (answer.status == 200).then(|| assert_eq!(answer.json(), 1))
    });
}

#[test]
fn secrets_are_those_of_the_environment_and_of_a_file() {
    let folder = Folder::new("secrets");
    let file = folder.path().join("secrets.json");
    fs::write(&file, r#"{"from-file":"two"}"#).unwrap();
    let sidecar = Sidecar::new("shop").env("FROM_ENVIRONMENT", "one").with(component::environment_secrets("environment"));
    let sidecar = sidecar.with(component::file_secrets("file", &file)).start();
    for (store, key, secret) in [("environment", "FROM_ENVIRONMENT", "one"), ("file", "from-file", "two")] {
        let answer = sidecar.send(black_box_tests::Request::get(&format!("/v1.0/secrets/{store}/{key}"))).expect(200);
        assert_eq!(answer.json(), json!({ key: secret }));
    }
}
