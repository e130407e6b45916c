//! Function manifests: what the platform does with them, and where a mistake is.

use std::path::Path;

use super::{
    super::{ComponentKind, component::Resources, file::File, function_yaml},
    *,
};

fn read(text: &str) -> Result<function_yaml::Function, String> {
    function_yaml::read(&File::parse(Path::new("f.yaml"), text)?, &Resources::default())
}

/// A manifest of the newer version, from what is under `spec.serving`.
fn v1beta2(serving: &str) -> Result<function_yaml::Function, String> {
    let head = "apiVersion: core.openfunction.io/v1beta2\nkind: Function\nmetadata: {name: f}\nspec:\n  serving:\n";
    read(&format!("{head}{serving}"))
}

/// One of the older version, from annotations and from what is under `spec`.
fn v1beta1(annotations: &str, spec: &str) -> Result<function_yaml::Function, String> {
    let head = "apiVersion: core.openfunction.io/v1beta1\nkind: Function\nmetadata:\n  name: f\n  annotations:\n";
    read(&format!("{head}{annotations}spec:\n{spec}"))
}

#[test]
fn a_manifest_that_says_nothing_serves_requests() {
    let Manifest { name, version, mode, port, .. } = v1beta2("").unwrap().manifest;
    assert_eq!((name.as_str(), version.as_str(), mode, port), ("f", "latest", Mode::Sync, Some(8080)));
    let port = |serving: &str| v1beta2(serving).unwrap().manifest.port;
    assert_eq!((port("    triggers: {http: {port: 0}}\n"), port("    triggers: {http: {port: 9}}\n")), (Some(8080), Some(9)));
}

#[test]
fn components_are_linked_by_name_kind_and_topic() {
    let manifest = v1beta2(
        "    pubsub:
      kafka: {type: pubsub.kafka, version: v1}
    bindings:
      mail: {type: bindings.smtp}
    states:
      redis: {spec: {type: state.redis}}
    triggers:
      dapr:
      - {name: kafka, topic: a}
      - {name: kafka, topic: b}
      inputs:
      - dapr: {name: kafka, topic: c}
    outputs:
    - dapr: {name: kafka, topic: out, outputName: done, metadata: {rawPayload: 'true'}}
    - dapr: {name: kafka, topic: audit, outputName: audit}
    - dapr: {name: mail, operation: create}
",
    );
    let manifest = printed(&manifest.unwrap().manifest);
    let input = |name: &str, topic: &str| json!({"name": name, "kind": "pubsub", "component": "kafka", "type": "pubsub.kafka", "topic": topic});
    assert_eq!(manifest["inputs"], json!([input("kafka", "a"), input("kafka/b", "b")]));
    let output = |name: &str, topic: &str, metadata: Value| {
        json!({
            "name": name, "kind": "pubsub", "component": "kafka", "type": "pubsub.kafka", "topic": topic, "operation": null,
            "metadata": metadata
        })
    };
    let mail = json!({
        "name": "mail", "kind": "binding", "component": "mail", "type": "bindings.smtp", "topic": null, "operation": "create",
        "metadata": {}
    });
    let done = output("done", "out", json!({"rawPayload": "true"}));
    assert_eq!(manifest["outputs"], json!([output("audit", "audit", json!({})), done, mail]));
    assert_eq!(manifest["states"], json!([{"name": "redis", "component": "redis", "type": "state.redis"}]));
}

#[test]
fn a_name_of_two_sections_is_two_components() {
    let function = v1beta2(
        "    bindings: {redis: {type: bindings.redis}, cron: {type: bindings.cron}}
    states: {redis: {spec: {type: state.redis}}}
    triggers: {dapr: [{name: redis, type: bindings.redis}, {name: cron}]}
",
    )
    .unwrap();
    let names: Vec<_> = function.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["cron", "bindings-redis", "state-redis"]);
    let components: Vec<_> = function.manifest.inputs.iter().map(|input| [&input.name[..], &input.component]).collect();
    assert_eq!(components, [["redis", "bindings-redis"], ["cron", "cron"]]);
    assert_eq!(function.manifest.states[0].component, "state-redis");
}

#[test]
fn a_component_of_another_kind_than_its_section_is_remarked() {
    let function = v1beta2("    bindings: {x: {type: pubsub.redis}}\n    triggers: {dapr: [{name: x, topic: t}]}\n").unwrap();
    assert_eq!(function.manifest.inputs[0].kind, ComponentKind::PubSub);
    let remark = "spec.serving.bindings.x: its type is pubsub.redis: OpenFunction finds it here only if that is bindings.*";
    assert_eq!(function.remarks, [remark]);
}

#[test]
fn the_older_version_is_converted() {
    let spec = "  version: v1.0.0
  port: 9
  serving:
    runtime: async
    inputs: [{name: in, component: kafka, topic: a}]
    outputs:
    - {name: out, component: mail, operation: create, params: {to: 3}}
    - {name: lost, component: undeclared}
    bindings: {mail: {type: bindings.smtp}}
    pubsub: {kafka: {type: pubsub.kafka}}
    states: {redis: {type: state.redis}}
";
    let function = v1beta1("    other: x\n", spec).unwrap();
    let manifest = &function.manifest;
    assert_eq!((manifest.mode, manifest.port, names(manifest, "inputs")), (Mode::Async, Some(9), json!([["in", "a"]])));
    assert_eq!((names(manifest, "outputs"), manifest.outputs[0].metadata["to"].as_str()), (json!([["out", null]]), "3"));
    assert_eq!(manifest.states[0].component_type, "state.redis");
    let lost = "spec.serving.outputs[1]: output `lost` is left out: spec.serving does not declare `undeclared`";
    assert_eq!(function.remarks, [lost]);

    let knative = v1beta1("    other: x\n", &spec.replace("async", "Knative")).unwrap();
    assert_eq!((knative.manifest.mode, knative.manifest.inputs.len()), (Mode::Sync, 0));
    assert_eq!(knative.remarks[0], "spec.serving.inputs: the runtime is knative, where no input delivers");
    let error = v1beta1("    other: x\n", &spec.replace("async", "lambda")).expect_err("it is refused");
    assert_eq!(error, "f.yaml:11:14: spec.serving.runtime: \"lambda\": expected knative or async");
}

#[test]
fn hooks_are_those_of_serving_or_else_of_the_annotation() {
    let order = "    plugins: |\n      order: [a, b]\n";
    let hooks = |function: Result<function_yaml::Function, String>| printed(&function.unwrap().manifest)["hooks"].clone();
    let reversed = json!({"pre": ["a", "b"], "post": ["b", "a"]});
    assert_eq!(hooks(v1beta1(order, "  version: v1\n")), reversed);
    let post = "    plugins: |\n      order: [a, b]\n      post: [c]\n";
    assert_eq!(hooks(v1beta1(post, "  version: v1\n")), json!({"pre": ["a", "b"], "post": ["c"]}));
    let newer = |spec: &str| {
        read(&format!(
            "apiVersion: core.openfunction.io/v1beta2\nkind: Function\nmetadata:\n  name: f\n  annotations:\n{order}spec:\n{spec}"
        ))
    };
    assert_eq!(hooks(newer("  serving: {}\n")), reversed);
    let own = "  serving: {hooks: {policy: Append, pre: [x], post: [y]}}\n";
    assert_eq!(hooks(newer(own)), json!({"pre": ["x"], "post": ["y"]}));
}

#[test]
fn tracing_is_that_of_serving_or_else_of_the_annotation() {
    let annotation =
        "    plugins.tracing: |\n      enabled: true\n      provider: {name: skywalking, oapServer: 'oap:11800'}\n";
    let traced = |function: Result<function_yaml::Function, String>| printed(&function.unwrap().manifest)["tracing"].clone();
    let sky = traced(v1beta1(annotation, "  version: v1\n"));
    assert_eq!((&sky["provider"], &sky["oapServer"]), (&json!("skywalking"), &json!("oap:11800")));
    let newer = |serving: &str| {
        read(&format!(
            "apiVersion: core.openfunction.io/v1beta2\nkind: Function\nmetadata:\n  name: f\n  annotations:\n{annotation}spec:\n  \
             serving: {serving}\n"
        ))
    };
    assert_eq!(traced(newer("{}"))["provider"], "skywalking");
    assert_eq!(traced(newer("{tracing: {enabled: false, provider: 3}}")), Value::Null, "it is switched off");
    let own = "{tracing: {enabled: true, provider: {name: opentelemetry, exporter: {endpoint: 'x:1'}}}}";
    assert_eq!(traced(newer(own))["exporter"]["endpoint"], "x:1");
    let error = newer("{tracing: {enabled: true}}").expect_err("it is refused");
    let expected = "tracing is enabled without it: expected skywalking or opentelemetry";
    assert_eq!(error, format!("f.yaml:10:22: spec.serving.tracing.provider.name: {expected}"));
    let broken = v1beta1("    plugins.tracing: 'enabled: [x'\n", "  version: v1\n").expect_err("it is refused");
    let expected = "f.yaml:6:22: metadata.annotations.plugins.tracing: in its line 1, column ";
    assert!(broken.starts_with(expected) && broken.contains("no YAML"), "{broken}");
}

#[test]
fn of_several_documents_the_one_function_counts() {
    let document = |kind: &str, name: &str| {
        format!("apiVersion: core.openfunction.io/v1beta2\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n---\n")
    };
    let [service, one, two] = [document("Service", "s"), document("Function", "one"), document("Function", "two")];
    assert_eq!(read(&format!("{service}{one}")).unwrap().manifest.name, "one");
    let refused = |text: &str| read(text).expect_err("it is refused");
    let expected = "f.yaml: expected one document of `kind: Function`";
    assert_eq!(refused(&format!("{one}{two}{service}")), format!("{expected}, found 2: one, two"));
    assert_eq!(refused(&format!("{service}a: 1\n")), format!("{expected}; found kinds: Service, none"));
    assert_eq!(refused("# nothing\n"), format!("{expected}; it is empty"));
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    for (serving, expected) in [
        (
            "    triggers:\n      dapr:\n      - name: a\n        typ: b\n",
            "9:14: spec.serving.triggers.dapr[0].typ: it is not known here: expected one of name, type, topic, inputName; did you mean `type`?",
        ),
        ("    triggers: {http: {port: x}}\n", "6:29: spec.serving.triggers.http.port: \"x\": expected a port"),
        (
            "    triggers:\n      dapr:\n      - {name: a, type: foo.bar}\n",
            "8:25: spec.serving.triggers.dapr[0].type: \"foo.bar\": expected bindings.* or pubsub.*",
        ),
        (
            "    triggers: {dapr: [{name: a, type: pubsub.x}]}\n",
            "6:23: spec.serving.triggers.dapr[0].topic: expected the topic",
        ),
        (
            "    triggers: {dapr: [{type: pubsub.x}]}\n",
            "6:23: spec.serving.triggers.dapr[0].name: expected the name of a component",
        ),
        (
            "    outputs:\n    - dapr: {name: a}\n",
            "7:20: spec.serving.outputs[0].dapr.name: nothing declares the component \"a\": expected it under spec.serving",
        ),
        ("    states:\n      redis: {}\n", "7:14: spec.serving.states.redis: nothing declares the component \"redis\""),
        ("    bindings: {a: }\n", "6:16: spec.serving.bindings.a.type: expected a type such as"),
        ("    params:\n      DEBUG: 1\n", "7:14: spec.serving.params.DEBUG: 1: expected text"),
        ("    params: {A=B: x}\n", "6:19: spec.serving.params.A=B: it cannot be an environment variable"),
    ] {
        let error = v1beta2(serving).expect_err("it is refused");
        assert!(error.starts_with(&format!("f.yaml:{expected}")), "{error}\nexpected {expected}");
    }
    let head = "apiVersion: core.openfunction.io/v1alpha2\nkind: Function\nmetadata: {name: f}\n";
    let expected = "expected core.openfunction.io/v1beta1 or core.openfunction.io/v1beta2";
    assert_eq!(
        read(head).expect_err("it is refused"),
        format!("f.yaml:1:13: apiVersion: \"core.openfunction.io/v1alpha2\": {expected}")
    );
    let nameless = head.replace("name: f", "labels: {}").replace("v1alpha2", "v1beta2");
    assert_eq!(read(&nameless).expect_err("it is refused"), "f.yaml:3:11: metadata.name: expected the name of the function");
}
