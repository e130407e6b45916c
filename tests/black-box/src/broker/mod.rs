//! Brokers and stores of the system's packages, each alone: its own port, its own folder, gone with the test.
//!
//! [`stop`](Redis::stop) and [`start`](Redis::start) again keep what it holds; so does a kill.

mod mosquitto;
mod nats;
mod redis;

pub use mosquitto::{Mosquitto, Subscriber};
pub use nats::{Client, Nats};
pub use redis::Redis;

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Ended, Folder, Port, service::Service};

/// What all of them are: a server at a port, with a folder for what it holds.
#[derive(Debug)]
struct Broker {
    service: Service,
    port: Port,
    _folder: Folder,
    ready: fn(SocketAddr) -> bool,
}

impl Broker {
    /// Starts it and waits until it is `ready` to serve.
    #[track_caller]
    fn start(service: Service, port: Port, folder: Folder, ready: fn(SocketAddr) -> bool) -> Self {
        let mut broker = Self { service, port, _folder: folder, ready };
        broker.start_again();
        broker
    }

    #[track_caller]
    fn start_again(&mut self) {
        let (address, ready) = (self.address(), self.ready);
        self.service.start(|_| ready(address));
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }
}

/// What every broker can be told.
macro_rules! server {
    ($broker:ty) => {
        impl $broker {
            /// Where it is reached.
            pub fn address(&self) -> SocketAddr {
                self.0.address()
            }

            /// Asks it to end and waits; what it holds is kept.
            #[track_caller]
            pub fn stop(&mut self) -> Ended {
                self.0.service.stop()
            }

            /// Kills it; what it holds is kept.
            #[track_caller]
            pub fn kill(&mut self) -> Ended {
                self.0.service.kill()
            }

            /// Starts it again where it was, with what it held.
            #[track_caller]
            pub fn start_again(&mut self) {
                self.0.start_again();
            }
        }
    };
}

server!(Redis);
server!(Nats);
server!(Mosquitto);
