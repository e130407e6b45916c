//! What a `Function` of `core.openfunction.io/v1beta2` may say: facts of the platform's schema and of what its webhook checks, in
//! our words. Of what a Function of ours never says there is the name alone.

use serde_json::Value;

/// What may be at a place.
enum Shape {
    Text,
    /// One of these.
    Choice(&'static [&'static str]),
    /// From 0.
    Number,
    Flag,
    List(&'static Self),
    /// Any names, each with this.
    Map(&'static Self),
    Object(&'static [Field]),
    /// Not looked into.
    Anything,
}

use Shape::{Anything, Choice, Flag, List, Map, Number, Object, Text};

struct Field {
    name: &'static str,
    shape: Shape,
    is_required: bool,
}

const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: false }
}

const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: true }
}

const FUNCTION: Shape = Object(&[
    must("apiVersion", Choice(&["core.openfunction.io/v1beta2"])),
    must("kind", Choice(&["Function"])),
    must(
        "metadata",
        Object(&[must("name", Text), may("namespace", Text), may("labels", Map(&Text)), may("annotations", Map(&Text))]),
    ),
    must("spec", SPEC),
]);

const SPEC: Shape = Object(&[
    may("workloadRuntime", Choice(&["OCIContainer", "WasmEdge"])),
    may("version", Text),
    must("image", Text),
    may("imageCredentials", REFERENCE),
    may("build", BUILD),
    may("serving", SERVING),
]);

/// To a secret.
const REFERENCE: Shape = Object(&[may("name", Text)]);

const BUILD: Shape = Object(&[
    may("builder", Text),
    may("builderCredentials", REFERENCE),
    may(
        "shipwright",
        Object(&[
            may("strategy", Object(&[must("name", Text), may("kind", Choice(&["BuildStrategy", "ClusterBuildStrategy"]))])),
            may("params", List(&Anything)),
            may("timeout", Text),
        ]),
    ),
    may("env", Map(&Text)),
    must(
        "srcRepo",
        Object(&[
            may("url", Text),
            may("bundleContainer", Object(&[must("image", Text)])),
            may("revision", Text),
            may("sourceSubPath", Text),
            may("credentials", REFERENCE),
        ]),
    ),
    may("dockerfile", Text),
    may("timeout", Text),
    may("successfulBuildsHistoryLimit", Number),
    may("failedBuildsHistoryLimit", Number),
    may("builderMaxAge", Text),
]);

const SERVING: Shape = Object(&[
    may(
        "triggers",
        Object(&[
            may("http", Object(&[may("port", Number), may("route", Anything)])),
            may("dapr", List(&Object(&[must("name", Text), may("type", Text), may("topic", Text), may("inputName", Text)]))),
            may("inputs", Anything),
        ]),
    ),
    may(
        "scaleOptions",
        Object(&[may("minReplicas", Number), may("maxReplicas", Number), may("keda", Anything), may("knative", Map(&Text))]),
    ),
    may(
        "outputs",
        List(&Object(&[may(
            "dapr",
            Object(&[
                must("name", Text),
                may("type", Text),
                may("topic", Text),
                may("operation", Text),
                may("metadata", Map(&Text)),
                may("outputName", Text),
            ]),
        )])),
    ),
    may("bindings", Map(&COMPONENT)),
    may("pubsub", Map(&COMPONENT)),
    may("states", Map(&Object(&[may("spec", COMPONENT)]))),
    may("params", Map(&Text)),
    may("labels", Map(&Text)),
    may("annotations", Map(&Text)),
    may("template", Anything),
    may("timeout", Text),
    may("hooks", Object(&[may("pre", List(&Text)), may("post", List(&Text)), may("policy", Choice(&["Append", "Override"]))])),
    may("tracing", Anything),
    may("workloadType", Choice(&["Deployment", "StatefulSet", "Job"])),
]);

/// Of Dapr. Its `metadata` is required, though it may be empty.
const COMPONENT: Shape = Object(&[
    must("type", Text),
    must("version", Text),
    may("ignoreErrors", Flag),
    may("initTimeout", Text),
    must(
        "metadata",
        List(&Object(&[
            must("name", Text),
            may("value", Anything),
            may("secretKeyRef", Object(&[must("name", Text), must("key", Text)])),
        ])),
    ),
]);

/// Says everything that is wrong with a Function: where, and what was expected.
pub(super) fn check(function: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    look(&FUNCTION, function, "", &mut findings);
    findings.extend(webhook(&function["spec"]));
    findings
}

fn look(shape: &Shape, value: &Value, path: &str, findings: &mut Vec<String>) {
    let expected = match (shape, value) {
        (Anything, _) | (Text, Value::String(_)) | (Flag, Value::Bool(_)) => return,
        (Number, Value::Number(number))
            if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok_and(|n| n >= 0)) =>
        {
            return;
        }
        (Choice(known), Value::String(text)) if known.contains(&text.as_str()) => return,
        (List(shape), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                look(shape, item, &format!("{path}[{index}]"), findings);
            }
            return;
        }
        (Map(shape), Value::Object(fields)) => {
            for (name, value) in fields {
                look(shape, value, &below(path, name), findings);
            }
            return;
        }
        (Object(known), Value::Object(fields)) => {
            for field in *known {
                match fields.get(field.name) {
                    Some(value) => look(&field.shape, value, &below(path, field.name), findings),
                    None if field.is_required => findings.push(format!("{}: it is missing", below(path, field.name))),
                    None => {}
                }
            }
            for name in fields.keys().filter(|name| !known.iter().any(|field| field.name == *name)) {
                let known: Vec<_> = known.iter().map(|field| field.name).collect();
                findings.push(format!("{}: no such field; there are {}", below(path, name), known.join(", ")));
            }
            return;
        }
        (Text, _) => "text (quote it)".to_owned(),
        (Flag, _) => "true or false".to_owned(),
        (Number, _) => "a number from 0 to 2147483647".to_owned(),
        (Choice(known), _) => known.join(" or "),
        (List(_), _) => "a list".to_owned(),
        (Map(_) | Object(_), _) => "fields".to_owned(),
    };
    findings.push(format!("{path}: {value}: expected {expected}"));
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What the schema lets pass and the platform refuses at once, or the build loses on its way.
fn webhook(spec: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let (build, serving) = (&spec["build"], &spec["serving"]);
    if build.is_null() && serving.is_null() {
        findings.push("spec: expected build, serving or both".to_owned());
    }
    if spec["image"] == "" {
        findings.push("spec.image: expected the name of an image".to_owned());
    }
    if !build.is_null() {
        if build["builder"].is_null() && build["dockerfile"].is_null() {
            findings.push("spec.build: expected builder or dockerfile".to_owned());
        }
        let source = &build["srcRepo"];
        if source["url"].as_str().unwrap_or_default().is_empty() && source["bundleContainer"].is_null() {
            findings.push("spec.build.srcRepo: expected url or bundleContainer".to_owned());
        }
    }
    // The build strategy takes variables apart at these characters, and leaves out what is empty.
    for (name, value) in build["env"].as_object().into_iter().flatten() {
        if value.as_str().is_some_and(|value| value.is_empty() || value.contains([' ', '=', '#'])) {
            findings.push(format!("spec.build.env.{name}: {value}: expected one token, without spaces, `=` and `#`"));
        }
    }
    let scale = |name: &str, default| serving["scaleOptions"][name].as_i64().unwrap_or(default);
    if scale("minReplicas", 0) > scale("maxReplicas", 10) {
        findings.push("spec.serving.scaleOptions.minReplicas: expected no more than maxReplicas (10 unless set)".to_owned());
    }
    findings
}
