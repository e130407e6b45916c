//! Whatever is written, it is read or refused: nothing panics, and nothing is lost.

use std::{collections::BTreeSet, path::Path};

use proptest::{collection::btree_map, prelude::*};

use super::{
    super::{component::Resources, file::File, function_yaml, yaml},
    *,
};

/// Any JSON, with the words of the contexts more often than chance has it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("Async"),
        Just("Knative"),
        Just("bindings.cron"),
        Just("pubsub.kafka"),
        Just("pubsub"),
        Just("8080"),
        Just("a"),
        Just("serving-abc12-pubsub-kafka-de3f4"),
        Just("skywalking"),
        Just(""),
        Just("é\u{0}\n"),
        Just("core.openfunction.io/v1beta2"),
        Just("core.openfunction.io/v1beta1"),
        Just("Function"),
        Just("pre: [a]\nenabled: true\nprovider: {name: skywalking}"),
    ]
    .prop_map(|word| json!(word));
    let leaf = prop_oneof![
        3 => word,
        1 => any::<i32>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(|truth| json!(truth)),
        1 => Just(Value::Null),
    ];
    let name = prop::sample::select(vec![
        "name",
        "version",
        "runtime",
        "port",
        "inputs",
        "outputs",
        "states",
        "prePlugins",
        "postHooks",
        "pluginsTracing",
        "tracing",
        "enabled",
        "provider",
        "triggers",
        "http",
        "dapr",
        "topic",
        "uri",
        "type",
        "componentName",
        "componentType",
        "inputName",
        "metadata",
        "operation",
        "exporter",
        "oapServer",
        "tags",
        "baggage",
        "kafka",
        "x.y",
        "apiVersion",
        "kind",
        "spec",
        "serving",
        "bindings",
        "pubsub",
        "hooks",
        "pre",
        "params",
        "annotations",
        "plugins",
        "plugins.tracing",
        "value",
        "secretKeyRef",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(name.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Contexts that are right, of few names so that they meet.
fn contexts() -> impl Strategy<Value = (Value, Value)> {
    let component = || prop::sample::select(vec!["k", "l", "serving-abc12-pubsub-k-de3f4"]);
    let topic = || prop::sample::select(vec!["s", "t"]);
    let name = || prop::sample::select(vec!["", "a", "b", "k"]);
    let link = (component(), topic())
        .prop_map(|(component, topic)| json!({"componentName": component, "componentType": "pubsub.kafka", "uri": topic}));
    let v1 = btree_map(prop::sample::select(vec!["a", "b", "k"]).prop_map(str::to_owned), link, 0..4)
        .prop_map(|inputs| json!({ "inputs": inputs }));
    let trigger = (component(), topic(), name())
        .prop_map(|(component, topic, name)| json!({"name": component, "topic": topic, "inputName": name}));
    let v2 = prop::collection::vec(trigger, 0..5).prop_map(|triggers| json!({"triggers": {"dapr": triggers}}));
    (v1, v2)
}

/// Reads a text as a file with a Function.
fn read_file(text: &str) -> Result<function_yaml::Function, String> {
    function_yaml::read(&File::parse(Path::new("f.yaml"), text)?, &Resources::default())
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused((v1, v2) in (any_json(), any_json())) {
        match merged(&v1, &v2) {
            Ok(manifest) => drop(printed(&manifest)),
            Err(error) => prop_assert!(error.starts_with("FUNC_CONTEXT"), "{error}"),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(v1 in ".*", v2 in "[\\[\\]{}:,\"a0 ]*") {
        let _ = Manifest::from_contexts(Some(&v1), Some(&v2));
    }

    #[test]
    fn no_trigger_is_lost_and_every_input_has_a_name_of_its_own((v1, v2) in contexts()) {
        let manifest = merged(&v1, &v2).expect("they are right");
        let names: BTreeSet<_> = manifest.inputs.iter().map(|input| &input.name).collect();
        prop_assert_eq!(names.len(), manifest.inputs.len(), "{:?}", manifest.inputs);
        let subscribed = |component: &Value, topic: &Value| {
            manifest.inputs.iter().any(|input| input.component == *component && input.topic.as_deref() == topic.as_str())
        };
        for trigger in v2["triggers"]["dapr"].as_array().expect("it is a list") {
            prop_assert!(subscribed(&trigger["name"], &trigger["topic"]), "{trigger} of {:?}", manifest.inputs);
        }
        for input in v1["inputs"].as_object().expect("it is an object").values() {
            prop_assert!(subscribed(&input["componentName"], &input["uri"]), "{input} of {:?}", manifest.inputs);
        }
    }

    #[test]
    fn any_manifest_is_read_or_refused(spec in any_json(), annotations in any_json(), old: bool) {
        let version = if old { "core.openfunction.io/v1beta1" } else { "core.openfunction.io/v1beta2" };
        let metadata = json!({"name": "f", "annotations": annotations});
        let whole = json!({"apiVersion": version, "kind": "Function", "metadata": metadata, "spec": {"serving": spec}});
        if let Err(error) = read_file(&whole.to_string()) {
            prop_assert!(error.starts_with("f.yaml:"), "{error}");
        }
    }

    #[test]
    fn any_yaml_is_read_or_refused(text in "([a-c]: |- |\\n|  |[&*][ab] |<<: |\\[|\\]|\\{|\\}|,|'|\"|\\||>|!!str |!x |~|1|#|---\n|é|\t)*") {
        let _ = yaml::documents(&text);
        let _ = read_file(&text);
    }

    #[test]
    fn json_is_yaml(value in any_json()) {
        let documents = yaml::documents(&value.to_string()).map_err(|broken| format!("{broken:?}"));
        let documents = documents.expect("JSON is YAML");
        prop_assert_eq!(documents.into_iter().next().map_or(Value::Null, |document| document.value), value);
    }
}
