//! The harness: a sidecar starts, ends and says what went wrong.

use std::net::TcpListener;

use black_box_tests::{App, AppProtocol, Connection, Port, Request, Sidecar, Start, component, proc};
use serde_json::json;

#[test]
fn a_sidecar_listens_on_this_machine_only_and_ends_when_asked() {
    let mut sidecar = Sidecar::new("shop").start();
    assert_eq!(sidecar.metadata()["id"], "shop");
    let listening = proc::listening(sidecar.id());
    assert!(listening.contains(&sidecar.http()) && listening.contains(&sidecar.grpc()), "{listening:?}");
    assert!(listening.iter().all(|address| address.ip().is_loopback()), "{listening:?}");
    assert_eq!(sidecar.stop().code, Some(0));
    assert!(Connection::try_open(sidecar.http()).is_err());
}

#[test]
fn a_sidecar_that_is_dropped_is_gone() {
    let sidecar = Sidecar::new("shop").start();
    let http = sidecar.http();
    drop(sidecar);
    assert!(Connection::try_open(http).is_err());
}

#[test]
fn a_broken_component_is_told_with_what_the_sidecar_wrote() {
    let broken = component::component("broken", "state.nothing");
    let failed = std::panic::catch_unwind(|| Sidecar::new("shop").with(broken).start()).unwrap_err();
    let said = failed.downcast_ref::<String>().unwrap();
    assert!(said.contains("daprd does not run") && said.contains("state.nothing"), "{said}");
}

#[test]
fn a_held_port_is_nobody_elses() {
    let ports: Vec<Port> = (0..50).map(|_| Port::free()).collect();
    let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 50);
    assert!(TcpListener::bind(("127.0.0.1", numbers[0])).is_ok());
}

#[test]
fn each_side_shows_its_token() {
    let app = App::start(|_| None);
    let sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).app_token("of the app").api_token("of the api");
    let sidecar = sidecar.with(component::cron("tick", "@every 1s")).start();
    assert_eq!(app.wait_for(1, "/tick")[0].header("dapr-api-token"), "of the app");
    sidecar.metadata();
    Connection::open(sidecar.http()).send(&Request::get("/v1.0/metadata")).expect(401);
    let told = sidecar.variables();
    assert!(told.contains(&("DAPR_API_TOKEN", "of the api".to_owned())), "{told:?}");
    assert!(told.contains(&("APP_API_TOKEN", "of the app".to_owned())), "{told:?}");
}

#[test]
fn an_app_is_found_by_its_own_sidecar_and_by_another() {
    let app = App::start(|_| None);
    let shop = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).start();
    let other = Sidecar::new("other").peer(&shop).start();
    shop.invoke_app("shop", "orders", "text/plain", "one").expect(200);
    other.invoke_app("shop", "orders", "text/plain", "two").expect(200);
    let bodies: Vec<Vec<u8>> = app.wait_for(2, "/orders").into_iter().map(|call| call.body).collect();
    assert_eq!(bodies, [b"one", b"two"]);
}

#[test]
fn a_function_is_started_beside_its_sidecar_and_again() {
    for protocol in [AppProtocol::Http, AppProtocol::H2c] {
        let mut sidecar = Sidecar::new("shop").app(protocol).configure("tracing", json!({ "samplingRate": "1" })).start();
        let fixture = || Start::new(env!("CARGO_BIN_EXE_fixture")).target("echo");
        let function = sidecar.start_function(fixture());
        sidecar.wait_until_ready();
        assert_eq!(sidecar.invoke_app("shop", "", "text/plain", "hello").expect(200).body, b"hello", "{protocol}");
        assert_eq!(function.kill().code, None);
        let function = sidecar.start_function(fixture());
        assert_eq!(sidecar.invoke_app("shop", "", "text/plain", "again").expect(200).body, b"again", "{protocol}");
        function.terminate().expect(0, &[]);
    }
}
