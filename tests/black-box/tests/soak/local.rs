//! The embedded backend, whose process is killed again and again.

use std::net::{Ipv4Addr, SocketAddr};

use black_box_tests::{Connection, Folder, Port, Request};

use crate::{
    load::Load,
    messages, scaled,
    stage::{Stage, declared},
    tally::Tally,
};

/// A publisher to the backend's own API; a message is sent once that has answered well.
fn publisher(api: SocketAddr, topic: &str) -> impl FnMut(usize) -> Result<(), String> + Send + use<> {
    let mut open = None::<Connection>;
    let path = format!("/v1.0/publish/{topic}/{topic}");
    move |id| {
        let mut connection = open.take().map_or_else(|| Connection::try_open(api), Ok).map_err(|error| error.to_string())?;
        let request = Request::post(&path, "text/plain", id.to_string());
        let answer = connection.try_send(&request).map_err(|error| error.to_string())?;
        if !matches!(answer.status, 200..300) {
            return Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        }
        open = Some(connection);
        Ok(())
    }
}

#[test]
fn the_embedded_backend_loses_nothing_while_its_process_dies() {
    let (folder, data, port) = (Folder::new("soak-local"), Folder::new("soak-local-data"), Port::free());
    let mut tally = Tally::new(folder.path().to_owned());
    let api = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
    let mut stage = Stage::start(&mut tally, |journal: &str| {
        let start = declared(&[("in", "in"), ("kept", "kept")], &[("out", "kept")]).env("JOURNAL", journal);
        let start = start.env("FUNCTION_LOCAL_PORT", port.number().to_string()).env("FUNCTION_DATA_DIR", data.path());
        start.directory(folder.path()).serve()
    });
    let load = Load::start(tally.counter(), |lane| publisher(api, &format!("in{lane}")));
    let kills = scaled(20);
    for kill in 1..=kills {
        if !tally.reaches(kill * messages() / (kills + 1)) {
            break;
        }
        stage.kill(&mut tally);
    }
    tally.reaches(messages());
    let sent = load.finished();
    stage.end(&tally);
    tally.close("embedded backend", sent, [&kills.to_string(), "0", "-", "-"]);
}
