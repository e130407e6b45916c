//! An address that leads to another one, as that of a service leads to what is behind it.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// An address of this machine where nobody looks who is not told, and that passes connections on.
#[derive(Debug)]
pub struct Passage {
    address: SocketAddr,
    passed: Arc<AtomicUsize>,
    gone: Arc<AtomicBool>,
}

impl Passage {
    /// Passes connections on to `to`.
    pub fn to(to: SocketAddr) -> Self {
        // All of 127.0.0.0/8 is this machine, and only 127.0.0.1 is what a program takes for it.
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let (passed, gone) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let this = Self { address, passed: Arc::clone(&passed), gone: Arc::clone(&gone) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if gone.load(SeqCst) {
                    return;
                }
                passed.fetch_add(1, SeqCst);
                // Where nobody listens behind it, its caller learns that from the end of the connection.
                let _ = TcpStream::connect(to).and_then(|other| pass(stream, other));
            }
        });
        this
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came.
    pub fn passed(&self) -> usize {
        self.passed.load(SeqCst)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.gone.store(true, SeqCst);
        // It waits for a connection; that there is one is all it needs.
        let _ = TcpStream::connect(self.address);
    }
}

fn pass(one: TcpStream, other: TcpStream) -> io::Result<()> {
    let back = (other.try_clone()?, one.try_clone()?);
    for (mut from, mut to) in [(one, other), back] {
        thread::spawn(move || {
            // The end of a connection, whatever it is, ends the other one.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
