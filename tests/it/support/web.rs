//! A real HTTP server on loopback that answers as it is told, and remembers what it was asked.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How one request is answered.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    wait: Duration,
}

impl Answer {
    pub fn fine() -> Answer {
        Answer::status(200)
    }

    pub fn status(status: u16) -> Answer {
        Answer { status, headers: String::new(), wait: Duration::ZERO }
    }

    pub fn redirect(to: &str) -> Answer {
        Answer::status(301).with("Location", to)
    }

    pub fn with(mut self, header: &str, value: &str) -> Answer {
        self.headers.push_str(&format!("{header}: {value}\r\n"));
        self
    }

    pub fn after(self, wait: Duration) -> Answer {
        Answer { wait, ..self }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    pub content_type: String,
    pub body: String,
}

/// The answer to the n-th request, from 1.
type Answering = Arc<dyn Fn(usize, &Asked) -> Answer + Send + Sync>;

pub struct Web {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    /// The n-th request gets the n-th answer, and the last answer is for all after it.
    pub fn answering(answers: &[Answer]) -> Web {
        Web::serving(in_order(answers), None)
    }

    /// A status a request, by what was asked.
    pub fn like(status: fn(&Asked) -> u16) -> Web {
        Web::serving(Arc::new(move |_, asked| Answer::status(status(asked))), None)
    }

    /// The same over TLS, for `localhost`; the certificate of who vouches for it goes to the file.
    pub fn encrypted(answers: &[Answer], authority: &Path) -> Web {
        Web::serving(in_order(answers), Some(Arc::new(tls(authority))))
    }

    fn serving(answers: Answering, tls: Option<Arc<ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Web { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = web.asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (asked, answers, tls) = (asked.clone(), answers.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(client, &asked, &answers),
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls).ok()?, client), &asked, &answers),
                });
            }
        });
        web
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub fn encrypted_url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// The last is for all after it; without any, the connection is closed.
fn in_order(answers: &[Answer]) -> Answering {
    let answers = answers.to_vec();
    Arc::new(move |number, _| answers.get(number - 1).or(answers.last()).cloned().expect("an answer"))
}

fn tls(authority: &Path) -> ServerConfig {
    let (key, own_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut own = CertificateParams::new([]).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(authority, own.clone().self_signed(&own_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(own, own_key);
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

fn serve(client: impl Read + Write, asked: &Mutex<Vec<Asked>>, answers: &Answering) -> Option<()> {
    let mut client = BufReader::new(client);
    while let Some(request) = read(&mut client) {
        let number = {
            let mut asked = asked.lock().unwrap();
            asked.push(request.clone());
            asked.len()
        };
        let answer = answers(number, &request);
        thread::sleep(answer.wait);
        let (status, headers) = (answer.status, &answer.headers);
        let reason = [(200, "OK"), (301, "Moved Permanently"), (404, "Not Found")];
        let reason = reason.iter().find(|(code, _)| *code == status).map_or("Another", |(_, reason)| reason);
        let end = if status == 204 { "\r\n" } else { "Content-Length: 2\r\n\r\nOK" };
        write!(client.get_mut(), "HTTP/1.1 {status} {reason}\r\n{headers}{end}").ok()?;
        client.get_mut().flush().ok()?;
    }
    Some(())
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut content_type) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        match header.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().ok()?,
            Some(("content-type", value)) => content_type = value.trim().to_owned(),
            None if header.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, content_type, body: String::from_utf8(body).ok()? })
}
