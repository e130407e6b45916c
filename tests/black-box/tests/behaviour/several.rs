//! Several functions in one process.

use black_box_tests::{Request, Start};

fn several() -> Start {
    Start::new(env!("CARGO_BIN_EXE_fixture-several"))
}

#[test]
fn each_is_served_at_its_path_or_its_name() {
    let program = several().serve();
    for path in ["/hello", "/hello/", "/hello/a/b"] {
        assert_eq!(program.get(path).expect(200).text(), format!("hello from {path}\n"));
    }
    assert_eq!(program.get("/orders/1").expect(200).text(), "read 1\n");
    assert_eq!(program.send(&Request::new("PUT", "/orders/2")).expect(200).text(), "write 2\n");
    program.send(&Request::new("PATCH", "/orders/2")).expect(405);
    program.post("/created", "text/plain", "x").expect(415);
    program.get("/created").expect(405);
    for path in ["/", "/helloo", "/read", "/orders"] {
        program.get(path).expect(404);
    }
    program.get("/readyz").expect(200);
    let announced = program.log().wait_for(4, |line| line.message() == "listening");
    assert_eq!(announced.iter().map(|line| line.field("function")).collect::<Vec<_>>(), ["hello", "read", "write", "created"]);
    assert_eq!(program.log().all(|line| line.message() == "shared").len(), 1, "one `init` of two functions runs once");
}

#[test]
fn the_target_picks_one_which_keeps_its_path_and_methods() {
    let program = several().target("write").serve();
    assert_eq!(program.send(&Request::new("DELETE", "/orders/1")).expect(200).text(), "write 1\n");
    program.get("/orders/1").expect(405);
    program.get("/hello").expect(404);
    let program = several().target("hello").serve();
    assert_eq!(program.get("/any").expect(200).text(), "hello from /any\n");
}
