//! The way to a sidecar that is not there, or cannot be reached.

use crate::fixture;

/// Functions may be called before their sidecar is there, and those that need none are not kept from working.
#[test]
fn a_program_serves_without_its_sidecar_and_says_where_it_looked_for_it() {
    // A port that a system would have to be set up to listen at; one that was free a moment ago another test may take.
    let program = fixture("published").env("DAPR_GRPC_PORT", "1").env("FUNCTION_TIMEOUT", "1").serve();
    let answer = program.post("/", "text/plain", "one").expect(500);
    assert!(!answer.text().contains("Dapr"), "{}", answer.text());
    let line = program.log().wait_text("request failed");
    for part in ["topic `orders` of component `kafka`", "may help", "127.0.0.1:1", "DAPR_GRPC_PORT"] {
        assert!(line.field("error").contains(part), "{}", line.field("error"));
    }
    program.get("/healthz").expect(200);
}

#[test]
fn a_sidecar_with_tls_needs_the_feature_and_says_so_at_the_start() {
    let endpoint = "https://sidecar.example:443";
    let ended = fixture("published").env("DAPR_GRPC_ENDPOINT", endpoint).end();
    ended.expect(78, &["DAPR_GRPC_ENDPOINT", "sidecar.example:443", "feature `tls`"]);
    // Who has no way out does not look at it.
    fixture("echo").env("DAPR_GRPC_ENDPOINT", endpoint).serve().get("/").expect(200);
}
