//! A wire between giggles and a server, cut where a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;
use std::time::Duration;

/// Stands between giggles and the server, and cuts where it is told to.
pub struct Wire {
    pub port: u16,
    /// Words that still get through once it is armed; below zero it is not.
    armed: Arc<AtomicIsize>,
    cut: Cut,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Cut {
    /// Before the server analyzes of the COMMIT.
    BeforeCommit,
    /// After the server has analyzed of it, before its answer is analyzed.
    AfterCommit,
    /// Towards giggles only: the server still believes in the connection.
    OneSided,
    /// The COMMIT and all that follows is taken and never passed on, as by a pool that hangs.
    Silent,
    /// Before the server analyzes of the word of this number since the arming.
    AtWord(usize),
}

impl Wire {
    pub fn to(server: &str, cut: Cut) -> Wire {
        let server = url::Url::parse(server).unwrap();
        let server = (server.host_str().unwrap().to_owned(), server.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicIsize::new(-1));
        let seen = armed.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                let (to_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let seen = seen.clone();
                thread::spawn(move || upstream(client, server, cut, &seen));
                thread::spawn(move || downstream(from_server, to_client));
            }
        });
        Wire { port, armed, cut }
    }

    pub fn arm(&self) {
        let words = if let Cut::AtWord(words) = self.cut { words } else { 0 };
        self.armed.store(words as isize, Ordering::SeqCst);
    }

    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst) >= 0
    }
}

fn upstream(mut client: TcpStream, mut server: TcpStream, cut: Cut, armed: &AtomicIsize) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let said = &buffer[..length];
        let commits = said.windows(6).any(|word| word == b"COMMIT");
        let counts = commits || matches!(cut, Cut::OneSided | Cut::AtWord(_));
        let is_now = counts && armed.load(Ordering::SeqCst) >= 0 && armed.fetch_sub(1, Ordering::SeqCst) == 0;
        if is_now && cut == Cut::Silent {
            while let Ok(1..) = client.read(&mut buffer) {}
            break;
        }
        if is_now {
            if cut == Cut::AfterCommit {
                // Its answer must not get through: giggles' side is closed first.
                client.shutdown(Shutdown::Both).ok();
                server.write_all(said).ok();
                thread::sleep(Duration::from_millis(300));
            }
            client.shutdown(Shutdown::Both).ok();
            if cut == Cut::OneSided {
                thread::sleep(Duration::from_secs(60));
            }
            break;
        }
        if server.write_all(said).is_err() {
            break;
        }
    }
    server.shutdown(Shutdown::Both).ok();
}

fn downstream(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
    client.shutdown(Shutdown::Both).ok();
}
