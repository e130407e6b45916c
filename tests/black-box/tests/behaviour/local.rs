//! Programs at a desk, with nothing installed: what each example does with its `function.yaml`.

use std::path::{Path, PathBuf};

use black_box_tests::{Folder, Program, Request, Start};
use serde_json::{Value, json};

use crate::examples::BUILT;

/// An example with its own manifest, in a folder of its own.
fn example(name: &str, folder: &Folder) -> Start {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).join("function.yaml");
    Start::new(BUILT.join(name)).env("FUNCTION_MANIFEST", manifest).env("FUNCTION_LOCAL_PORT", "0").directory(folder.path())
}

/// What the embedded backend shows at a path of the function's port.
#[track_caller]
fn shown(program: &Program, path: &str) -> Value {
    program.get(&format!("/_local/{path}")).expect(200).json()
}

#[test]
fn a_schedule_calls_its_function_and_says_what_stands_in_for_it() {
    let program = example("cron-input", &Folder::new("cron")).serve();
    program.log().wait_text("cron (bindings.cron): clock of this machine, @every 2s");
    program.output().wait_text("called by ticks");
    assert_eq!(shown(&program, "inputs")["inputs"][0]["name"], "ticks");
    program.post("/_local/inputs/ticks", "application/json", "").expect(200);
    program.terminate().expect(0, &[]);
}

#[test]
fn what_one_function_publishes_the_other_gets() {
    let program = example("pubsub", &Folder::new("pubsub")).serve();
    let order = |cups: u32| json!({ "item": "coffee", "cups": cups }).to_string();
    program.post("/orders", "application/json", order(2)).expect(202);
    program.output().wait_text("2 x coffee");
    let sent = shown(&program, "outputs");
    assert_eq!(sent["outputs"][0]["data"], json!({ "item": "coffee", "cups": 2 }));

    let dropped = program.post("/_local/inputs/orders", "application/json", order(0)).expect(422).json();
    assert_eq!((&dropped["verdict"], &dropped["why"]), (&"drop".into(), &"an order of no cups".into()));
    program.post("/_local/inputs/none", "application/json", "").expect(404);
    program.terminate().expect(0, &[]);
}

#[test]
fn two_functions_with_an_event_between_them_are_shown_as_one_trace() {
    let folder = Folder::new("traced");
    let collector = Start::bare(BUILT.join("spans")).arg("127.0.0.1:0").start();
    let taken = collector.output().wait_text("spans are taken at ").text;
    let address = taken.rsplit(' ').next().unwrap_or_default();
    let start = example("traced", &folder).env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    let program = start.env("OTEL_BSP_SCHEDULE_DELAY", "20").serve();
    program.post("/orders", "text/plain", "coffee").expect(202);
    collector.output().wait_text("brew");
    let shown = collector.output().text();
    let whole = shown.rsplit("trace ").next().unwrap_or_default();
    let expected = "POST /orders  (server, traced)
  check  (internal, traced)
  publish orders  (producer, traced)
    process orders  (consumer, traced)
      brew  (internal, traced)
";
    assert_eq!(whole.split_once('\n').map(|(_, spans)| spans), Some(expected), "{shown}");
    program.post("/orders", "text/plain", " ").expect(400);
    program.terminate().expect(0, &[]);
}

#[test]
fn what_waits_outlives_a_process_that_is_killed() {
    let (folder, data) = (Folder::new("kept"), Folder::new("kept-data"));
    let start = || example("pubsub", &folder).env("FUNCTION_DATA_DIR", data.path());
    let publish = |program: &Program, number: u32| {
        program.post("/orders", "application/json", json!({ "item": format!("n{number}"), "cups": 1 }).to_string()).expect(202);
    };
    // Every event waits long enough for the process to die before it.
    let program = start().env("FUNCTION_LOCAL_FAULTS", "delay=1h").serve();
    for number in 0..20 {
        publish(&program, number);
    }
    program.kill();
    let program = start().serve();
    for number in 0..20 {
        program.output().wait_text(&format!("1 x n{number}"));
    }
    program.terminate().expect(0, &[]);
}

#[test]
fn a_binding_is_a_real_folder() {
    let (folder, notes) = (Folder::new("binding"), Folder::new("binding-notes"));
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/binding-output/function.yaml"));
    let text = text.expect("the example has one").replace("/tmp/notes", &notes.path().display().to_string());
    let manifest: PathBuf = folder.path().join("function.yaml");
    std::fs::write(&manifest, text).expect("the folder can be written");
    let program = example("binding-output", &folder).env("FUNCTION_MANIFEST", &manifest).serve();
    program.post("/notes/a.txt", "text/plain", "a note").expect(201);
    assert_eq!(std::fs::read_to_string(notes.path().join("a.txt")).expect("it is there"), "a note");
    program.post("/notes/..%2Fb.txt", "text/plain", "x").expect(500);
    program.post("/notes/a.txt", "text/plain", "").expect(400);
    program.terminate().expect(0, &[]);
}

#[test]
fn no_visit_is_lost_when_many_come_at_once_and_the_count_outlives_the_process() {
    let (folder, data) = (Folder::new("visits"), Folder::new("visits-data"));
    let start = || example("state", &folder).env("FUNCTION_DATA_DIR", data.path()).serve();
    let program = start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let program = &program;
            scope.spawn(move || {
                for _ in 0..5 {
                    program.send(&Request::new("POST", "/visits/ada")).expect(200);
                }
            });
        }
    });
    assert_eq!(program.get("/visits/ada").expect(200).text(), "40\n");
    program.kill();
    let program = start();
    assert_eq!(program.get("/visits/ada").expect(200).text(), "40\n");
    program.send(&Request::new("DELETE", "/visits/ada")).expect(204);
    assert_eq!(program.get("/visits/ada").expect(200).text(), "0\n");
    program.terminate().expect(0, &[]);
}

#[test]
fn an_event_that_comes_twice_is_done_once() {
    let program = example("idempotent-consumer", &Folder::new("twice")).serve();
    let event = Request::post("/_local/inputs/payments", "application/json", r#"{"cents":450}"#);
    let event =
        event.header("ce-specversion", "1.0").header("ce-id", "7").header("ce-source", "/bank").header("ce-type", "paid");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // One that is there while another is at work is told to come again.
            scope.spawn(|| while program.send(&event).status == 503 {});
        }
    });
    let output = program.output().text();
    assert_eq!(output.matches("/bank 7: paid 450 cents").count(), 1, "{output}");
    assert_eq!(output.matches("/bank 7: seen before").count(), 7, "{output}");
    assert_eq!(shown(&program, "outputs")["outputs"].as_array().map(Vec::len), Some(1));
    program.terminate().expect(0, &[]);
}

#[test]
fn values_are_saved_at_once_found_by_a_query_and_moved_together() {
    let program = example("state", &Folder::new("regulars")).serve();
    let post = |path: &str, body: &str| program.post(path, "application/json", body);
    assert_eq!(post("/regulars", r#"{"bob":7,"eve":2,"ada":3}"#).expect(200).text(), "3 names, 12 visits\n");
    post("/regulars", "bob").expect(400);
    assert_eq!(program.get("/regulars?atleast=3").expect(200).text(), "bob, ada\n");
    assert_eq!(post("/renamed/bob/rob", "").expect(200).text(), "rob has 7 visits\n");
    post("/renamed/bob/rob", "").expect(404);
    assert_eq!(program.get("/regulars?atleast=3").expect(200).text(), "rob, ada\n");
    program.terminate().expect(0, &[]);
}

#[test]
fn an_app_is_called_as_beside_a_sidecar() {
    let folder = Folder::new("apps");
    let start = || example("service-invocation", &folder);
    let program = start().serve();
    assert_eq!(program.get("/totals/coffee?cups=2").expect(200).text(), "2 x coffee: 600 cents\n");
    assert!(program.get("/totals/sand?cups=2").expect(404).text().contains("nobody sells sand"));
    // A function of the process has its own name, too; nobody else is there.
    let program = start().env("PRICES", "price").serve();
    program.get("/totals/tea?cups=1").expect(200);
    let program = start().env("PRICES", "stock").serve();
    program.get("/totals/tea?cups=1").expect(500);
    program.log().wait_text("is not there: the local backend knows this program only");
}

#[test]
fn work_under_way_is_finished_when_the_process_is_told_to_stop() {
    let program = example("graceful-shutdown", &Folder::new("stop")).serve();
    let mut connection = program.connect();
    connection.write(Request::get("/?seconds=1").bytes());
    program.output().wait_text("begun");
    program.signal("TERM");
    assert_eq!(connection.read().expect(200).text(), "done after 1 s\n");
    program.ended().expect(0, &[]);
}

#[test]
fn it_never_stands_in_where_a_platform_is() {
    let folder = Folder::new("platform");
    example("cron-input", &folder)
        .env("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        .arg("--local")
        .end()
        .expect(78, &["--local", "Kubernetes"]);
    let program = example("cron-input", &folder).env("DAPR_GRPC_PORT", "1").serve();
    program.get("/_local/inputs").expect(404);
    assert!(!program.log().text().contains("local backend"));
}

#[test]
fn a_data_folder_that_is_damaged_is_left_as_it_is() {
    let (folder, data) = (Folder::new("damaged"), Folder::new("damaged-data"));
    let start = || example("state", &folder).env("FUNCTION_DATA_DIR", data.path());
    start().serve().terminate().expect(0, &[]);
    let file = std::fs::read_dir(data.path()).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let file = file.max_by_key(|path| path.metadata().map_or(0, |metadata| metadata.len())).expect("a file is kept");
    std::fs::write(&file, b"not a database at all").unwrap();
    let ended = start().end();
    assert!(matches!(ended.code, Some(70 | 78)), "{ended:?}");
    assert!(ended.errors.contains(&data.path().display().to_string()), "{}", ended.errors);
    assert_eq!(std::fs::read(&file).unwrap(), b"not a database at all");
}
