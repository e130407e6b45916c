use black_box_tests::{Prometheus, eventually};

use super::{address, dashboard::queries, exercise, measured};

#[test]
fn prometheus_answers_the_golden_signals_and_every_query_of_the_dashboard() {
    let program = measured().serve();
    let prometheus = Prometheus::start(address(&program));
    // A rate takes two looks with something between them.
    let found = |query: &str| {
        eventually(query, || {
            let series = prometheus.query(query);
            let is_there = !series.is_empty() && series.iter().all(|(_, value)| value.is_finite());
            is_there.then_some(series)
        })
    };
    found("function_invocations_in_flight");
    eventually("two looks with calls between them", || {
        exercise(&program);
        let series = prometheus.query("rate(function_sends_total{result=\"error\"}[1m]) > 0");
        (!series.is_empty()).then_some(())
    });
    for (title, query) in queries() {
        // Where nothing happened a share and a quantile are no number; every function was called.
        let series = found(&query);
        println!("{title}: {} series", series.len());
    }
    let of = |query: &str, function: &str| {
        let series = prometheus.query(query);
        let value = series.iter().find(|(labels, _)| labels["function"] == function).map(|(_, value)| *value);
        value.unwrap_or_else(|| panic!("{query}: nothing of {function} in {series:?}"))
    };
    let [traffic, errors, latency] = [0, 1, 4].map(|index| queries().swap_remove(index).1);
    assert!(of(&traffic, "hello") > 0.0, "traffic");
    assert!((of(&errors, "broken"), of(&errors, "slow")) == (1.0, 1.0), "errors");
    let share = of(&errors, "orders");
    assert!((0.5..0.9).contains(&share), "{share}: four of six deliveries fail");
    assert!(of(&latency, "slow") > 0.25 && of(&latency, "hello") < 0.25, "latency");
    assert!(prometheus.query("sum(function_invocations_in_flight)")[0].1.abs() < 100.0, "saturation");
    assert!(prometheus.query("up")[0].1 > 0.0);
}
