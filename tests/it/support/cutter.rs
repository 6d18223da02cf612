//! A TCP proxy that cuts connections, stalls, or lets something happen before a request passes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a connection.
#[derive(Clone, Copy)]
pub enum Fault {
    Pass,
    /// Cut after so many bytes of answers.
    Cut(usize),
    /// Nothing passes after so many bytes of answers, and the connection stays open.
    Stall(usize),
    /// The last byte of the first block of a request's body is another.
    Damage,
    /// This answer, whatever is asked.
    Answer(&'static str),
}

/// Called with the bytes of each request before they pass on.
type Hook = Arc<dyn Fn(&str) + Send + Sync>;

pub struct Cutter {
    port: u16,
    requests: Arc<Mutex<String>>,
}

impl Cutter {
    /// In front of a port of this machine. The n-th connection, from 0, has the n-th fault; the rest pass.
    pub fn before(port: u16, faults: &[Fault]) -> Cutter {
        Cutter::hooked(port, faults, |_| ())
    }

    pub fn hooked(port: u16, faults: &[Fault], hook: impl Fn(&str) + Send + Sync + 'static) -> Cutter {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cutter = Cutter { port: listener.local_addr().unwrap().port(), requests: Arc::default() };
        let (faults, requests, hook): (Vec<Fault>, _, Hook) =
            (faults.to_vec(), cutter.requests.clone(), Arc::new(hook));
        thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                let fault = faults.get(number).copied().unwrap_or(Fault::Pass);
                let (requests, hook) = (requests.clone(), hook.clone());
                thread::spawn(move || serve(client, port, fault, &requests, &hook));
            }
        });
        cutter
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that was asked.
    pub fn requests(&self) -> String {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(client: TcpStream, port: u16, fault: Fault, requests: &Mutex<String>, hook: &Hook) -> Option<()> {
    let server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let (mut back, mut answers) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let way_back = thread::spawn(move || answer(&mut answers, &mut back, fault));
    let (mut client, mut server, mut block, mut is_damaged) = (client, server, [0; 65_536], false);
    while let Some(count) = client.read(&mut block).ok().filter(|count| *count > 0) {
        let text = String::from_utf8_lossy(&block[..count]).into_owned();
        hook(&text);
        requests.lock().unwrap().push_str(&text);
        if let Fault::Answer(text) = fault {
            write!(client, "{text}").ok()?;
            break;
        }
        let is_body = !["GET ", "PUT ", "DELETE "].iter().any(|method| text.starts_with(method));
        if matches!(fault, Fault::Damage) && is_body && !std::mem::replace(&mut is_damaged, true) {
            block[count - 1] ^= 1;
        }
        server.write_all(&block[..count]).ok()?;
    }
    server.shutdown(Shutdown::Both).ok();
    client.shutdown(Shutdown::Both).ok();
    way_back.join().ok()
}

fn answer(server: &mut TcpStream, client: &mut TcpStream, fault: Fault) {
    let (mut passed, mut block) = (0, [0; 65_536]);
    let most = match fault {
        Fault::Cut(most) | Fault::Stall(most) => most,
        Fault::Pass | Fault::Damage | Fault::Answer(_) => usize::MAX,
    };
    while let Some(count) = server.read(&mut block).ok().filter(|count| *count > 0) {
        let count = count.min(most - passed);
        if client.write_all(&block[..count]).is_err() {
            break;
        }
        passed += count;
        if passed == most {
            if let Fault::Stall(_) = fault {
                thread::sleep(Duration::from_secs(60));
            }
            break;
        }
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
}
