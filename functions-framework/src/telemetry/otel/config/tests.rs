use super::*;
use crate::manifest::Exporter;

fn read(variables: &[(&str, &str)], tracing: Option<&Tracing>) -> Result<Option<Config>, String> {
    let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    Config::read(&environment, tracing, &Service { name: "hello".to_owned(), ..Service::default() })
}

fn on(variables: &[(&str, &str)]) -> Config {
    read(variables, None).unwrap().expect("it is on")
}

fn declared(exporter: Option<Exporter>) -> Tracing {
    let pair = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Tracing {
        provider: Provider::OpenTelemetry,
        oap_server: None,
        exporter,
        tags: pair("layer", "faas"),
        baggage: pair("tenant", "7"),
    }
}

#[test]
fn nothing_is_traced_unless_somebody_asks_for_it() {
    assert!(read(&[], None).unwrap().is_none());
    assert!(read(&[("OTEL_SERVICE_NAME", "a"), ("OTEL_TRACES_SAMPLER", "always_on")], None).unwrap().is_none());
    let skywalking = Tracing { provider: Provider::SkyWalking, ..declared(None) };
    assert!(read(&[], Some(&skywalking)).unwrap().is_none());
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    assert!(read(&[endpoint, ("OTEL_SDK_DISABLED", "true")], Some(&declared(None))).unwrap().is_none());
    assert!(read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")], Some(&declared(None))).unwrap().is_none());
    assert!(read(&[("OTEL_TRACES_EXPORTER", "otlp")], None).unwrap().is_some());
    assert!(read(&[], Some(&declared(None))).unwrap().is_some());
}

#[test]
fn spans_go_to_a_collector_to_standard_error_or_to_both() {
    let ways = |name: &str| {
        let config = on(&[("OTEL_TRACES_EXPORTER", name)]);
        (config.collector.is_some(), config.is_printed)
    };
    assert_eq!([ways("otlp"), ways("console"), ways("console, otlp")], [(true, false), (false, true), (true, true)]);
    for wrong in ["none,otlp", "otlp,", "stdout"] {
        let why = read(&[("OTEL_TRACES_EXPORTER", wrong)], None).unwrap_err();
        let expected = "expected otlp, console, both separated by a comma, or none";
        assert_eq!(why, format!("OTEL_TRACES_EXPORTER={wrong}: {expected}"));
    }
}

#[test]
fn the_endpoint_says_where_and_how() {
    let place = |variables: &[(&str, &str)]| {
        let Collector { protocol, endpoint, .. } = on(variables).collector.expect("there is one");
        (protocol, endpoint)
    };
    let (all, traces) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    assert_eq!(place(&[(all, "http://c:4318")]), (Protocol::Http, "http://c:4318/v1/traces".to_owned()));
    assert_eq!(place(&[(all, "http://c/otel/")]), (Protocol::Http, "http://c/otel/v1/traces".to_owned()));
    assert_eq!(place(&[(all, "http://c:4317")]), (Protocol::Grpc, "http://c:4317".to_owned()));
    assert_eq!(place(&[(traces, "http://c/spans"), (all, "http://d")]), (Protocol::Http, "http://c/spans".to_owned()));
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    assert_eq!(place(&[(all, "http://c:9"), grpc]), (Protocol::Grpc, "http://c:9".to_owned()));
    let exporter = ("OTEL_TRACES_EXPORTER", "otlp");
    assert_eq!(place(&[exporter]), (Protocol::Http, "http://localhost:4318/v1/traces".to_owned()));
    assert_eq!(place(&[exporter, grpc]), (Protocol::Grpc, "http://localhost:4317".to_owned()));
}

#[test]
fn the_function_context_counts_where_no_variable_does() {
    let exporter = Exporter {
        name: Some("otlp".to_owned()),
        endpoint: Some("collector:4317".to_owned()),
        headers: Some("authorization=Bearer%20x".to_owned()),
        compression: Some("gzip".to_owned()),
        timeout: Some("2s".to_owned()),
        protocol: None,
    };
    let tracing = declared(Some(exporter));
    let config = read(&[], Some(&tracing)).unwrap().unwrap();
    assert_eq!(
        config.collector.expect("there is one"),
        Collector {
            protocol: Protocol::Grpc,
            endpoint: "http://collector:4317".to_owned(),
            headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
            timeout: Duration::from_secs(2),
            gzip: true,
            tls: None,
        }
    );
    assert_eq!((config.tags["layer"].as_str(), config.baggage[0].0.as_str()), ("faas", "tenant"));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://mine:4318"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
    ];
    let collector = read(&variables, Some(&tracing)).unwrap().unwrap().collector;
    let Collector { endpoint, timeout, gzip, headers, .. } = collector.expect("there is one");
    assert_eq!((endpoint.as_str(), timeout, gzip), ("http://mine:4318/v1/traces", Duration::from_millis(100), false));
    assert_eq!(headers.len(), 1, "what no variable says is still the context's");
    let placeholder = declared(Some(Exporter { endpoint: Some("c/otlp".to_owned()), ..Exporter::default() }));
    assert_eq!(read(&[], Some(&placeholder)).unwrap().unwrap().collector.expect("there is one").endpoint, "http://c/otlp");
}

#[test]
fn a_process_is_called_what_the_variables_say_else_after_its_function() {
    let name = |variables: &[(&str, &str)]| {
        let all: Vec<_> = [("OTEL_TRACES_EXPORTER", "otlp"), ("POD_NAME", "p-1")].iter().chain(variables).copied().collect();
        let resource = on(&all).resource;
        assert_eq!(resource["service.instance.id"], "p-1");
        resource["service.name"].clone()
    };
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=b,team=x");
    assert_eq!(name(&[]), "hello");
    assert_eq!(name(&[attributes]), "b");
    assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "a")]), "a");
}

#[test]
fn the_platforms_baggage_is_a_header() {
    let baggage = |key: &str, value: &str| {
        let declared = [("key", key), ("value", value)].map(|(name, text)| (name.to_owned(), text.to_owned()));
        super::baggage(&declared.into()).map(|pairs| pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
    };
    assert_eq!(baggage("baggage", "a=1,b=2").unwrap(), ["a", "b"]);
    assert!(baggage("sw8-correlation", "YQ==:YQ==").unwrap().is_empty());
    assert!(baggage("baggage", "rubbish").unwrap_err().starts_with("tracing.baggage.value of the function context=rubbish"));
}

#[test]
fn the_sampler_is_the_one_that_is_named() {
    let sampler = |variables: &[(&str, &str)]| {
        let all: Vec<_> = [("OTEL_TRACES_EXPORTER", "otlp")].iter().chain(variables).copied().collect();
        format!("{:?}", on(&all).sampler)
    };
    let ratio = ("OTEL_TRACES_SAMPLER_ARG", "0.01");
    assert_eq!(sampler(&[]), "ParentBased(AlwaysOn)");
    assert_eq!(sampler(&[("OTEL_TRACES_SAMPLER", "always_off")]), "AlwaysOff");
    assert_eq!(sampler(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ratio]), "TraceIdRatioBased(0.01)");
    assert_eq!(sampler(&[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ratio]), "ParentBased(TraceIdRatioBased(0.01))");
}

#[test]
fn what_cannot_be_used_is_named_with_what_is_expected() {
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "maybe"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        #[cfg(not(feature = "tls"))]
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "not a url"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "x"),
        ("OTEL_RESOURCE_ATTRIBUTES", "rubbish"),
    ] {
        let why = read(&[("OTEL_TRACES_EXPORTER", "otlp"), (name, value)], None);
        let why = if name == "OTEL_TRACES_EXPORTER" { read(&[(name, value)], None) } else { why }.unwrap_err();
        assert!(why.starts_with(&format!("{name}={value}: expected ")), "{why}");
    }
    let ratio = [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
    assert_eq!(read(&ratio, None).unwrap_err(), "OTEL_TRACES_SAMPLER_ARG=2: expected a number from 0 to 1");
    let secret = [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_HEADERS", "secret")];
    assert!(read(&secret, None).unwrap_err().starts_with("OTEL_EXPORTER_OTLP_HEADERS=...: expected "));
    let wrong = declared(Some(Exporter { name: Some("zipkin".to_owned()), ..Exporter::default() }));
    let why = read(&[], Some(&wrong)).unwrap_err();
    assert_eq!(why, "tracing.provider.exporter.name of the function context=zipkin: expected otlp");
}
