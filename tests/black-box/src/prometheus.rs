//! Prometheus, which reads figures again and again and answers queries.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use serde_json::Value;
use tools::Tool;

use crate::{Connection, Folder, Port, Request, service::Service};

/// A Prometheus that reads what is at one address.
#[derive(Debug)]
pub struct Prometheus {
    _service: Service,
    port: Port,
    _folder: Folder,
}

impl Prometheus {
    /// Starts one that reads `http://<target>/metrics` five times a second.
    #[track_caller]
    pub fn start(target: SocketAddr) -> Self {
        let port = Port::free();
        let folder = Folder::new(&format!("prometheus-{}", port.number()));
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms }}\n\
             scrape_configs: [{{ job_name: functions, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n"
        );
        fs::write(&config, text).expect("a file can be written");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let mut service = Service::new(
            Tool::Prometheus,
            [
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", folder.path().join("data").display()),
                format!("--web.listen-address={address}"),
            ],
        );
        service.start(|_| {
            let answer =
                Connection::try_open(address).and_then(|mut connection| connection.try_send(&Request::get("/-/ready")));
            answer.is_ok_and(|answer| answer.status == 200)
        });
        Self { _service: service, port, _folder: folder }
    }

    /// What a query finds now: each series with its labels and its value.
    #[track_caller]
    pub fn query(&self, query: &str) -> Vec<(Value, f64)> {
        let mut path = String::from("/api/v1/query?query=");
        for byte in query.bytes() {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.number()));
        let answer = Connection::open(address).send(&Request::get(&path)).expect(200).json();
        let found = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        let value = |series: &Value| series["value"][1].as_str().and_then(|value| value.parse().ok());
        let series = found.iter().map(|series| (series["metric"].clone(), value(series).unwrap_or(f64::NAN)));
        series.collect()
    }
}
