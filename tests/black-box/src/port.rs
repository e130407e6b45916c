//! Ports for programs that must be told theirs before they start.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// A TCP port of 127.0.0.1 where nothing listens, kept for whoever holds this.
///
/// It is below the ports that the system takes for outgoing connections, so that none is taken while a server is down. The
/// UDP port of the same number is held meanwhile: no other test takes a port that is held, whatever process it runs in.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: UdpSocket,
}

impl Port {
    /// Finds one.
    pub fn free() -> Self {
        const FIRST: u32 = 10_000;
        const COUNT: u32 = 22_000;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Processes side by side begin their search far from one another.
        let start = process::id().wrapping_mul(7_919);
        for _ in 0..COUNT {
            let number = FIRST + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let number = u16::try_from(number).expect("the range has only ports");
            let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Self { number, _held: held };
            }
        }
        panic!("no port is free between {FIRST} and {}", FIRST + COUNT)
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.number
    }
}
