//! The built program, run as a user would: with a home, recordings and a database of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use super::audio;

/// A second of 16 kHz, 16-bit audio.
pub const SECOND: usize = 16_000;

/// A temporary folder with `home/`, `recordings/` and room for a database.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "recordings"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Place { folder }
    }

    /// With recordings copied from the repository: `(file of the repository, its name here)`.
    pub fn with(recordings: &[(&str, &str)]) -> Place {
        let place = Place::new();
        recordings.iter().for_each(|(from, name)| place.copy(from, name));
        place
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn recordings(&self) -> PathBuf {
        self.path("recordings")
    }

    pub fn recording(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.recordings().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub fn copy(&self, from: &str, name: &str) {
        fs::copy(audio::file(from), self.recording(name)).unwrap();
    }

    /// As if written an hour ago: what is damaged and fresh, a run watches for some seconds.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.recording(name), bytes).unwrap();
        self.modify(name, SystemTime::now() - Duration::from_secs(3600));
    }

    /// A file beside the recordings that only its owner can read, as files with secrets must be.
    pub fn write_private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn modify(&self, name: &str, at: SystemTime) {
        fs::File::options().append(true).open(self.recording(name)).unwrap().set_modified(at).unwrap();
    }

    /// 16 kHz, 16-bit, mono.
    pub fn write_wav(&self, name: &str, samples: &[i16]) {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let bytes = [wav_header(16_000, 16, data.len()), data].concat();
        self.write(name, &bytes);
    }

    /// Long, nearly empty on disk, and the same sound all the way: for runs that are to be met while they run.
    pub fn write_long(&self, name: &str, minutes: usize) {
        let bytes = minutes * 60 * 8_000;
        let mut file = fs::File::create(self.recording(name)).unwrap();
        file.write_all(&wav_header(8_000, 8, bytes)).unwrap();
        file.set_len(44 + bytes as u64).unwrap();
    }

    /// The URL of the file in which these tests store unless they say otherwise.
    pub fn sqlite(&self) -> String {
        format!("sqlite:{}", self.path("laughs.db").display())
    }

    /// The program with nothing of our environment but PATH.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_giggles"));
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.path("home"))
            .env("TZ", "UTC")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// As a user to whom permissions apply: root may read all, so then it is nobody, who is given the place.
    pub fn said_by_nobody(&self, command: &mut Command) -> Said {
        self.said_by_nobody_after(command, || ())
    }

    /// The same; `prepare` sets permissions when all is that user's.
    pub fn said_by_nobody_after(&self, command: &mut Command, prepare: impl FnOnce()) -> Said {
        if !rustix::process::geteuid().is_root() {
            prepare();
            return said(command);
        }
        give_to_nobody(&self.path(""));
        let program = self.path("giggles");
        // Not by us: a program that another test's thread starts meanwhile would hold the file open for writing, and
        // then nobody may run it.
        let copied_it = Command::new("cp").arg(env!("CARGO_BIN_EXE_giggles")).arg(&program).status().unwrap();
        assert!(copied_it.success());
        prepare();
        said(copied(&program, command).uid(NOBODY).gid(NOBODY))
    }

    pub fn as_nobody<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Said {
        self.said_by_nobody(&mut self.command(arguments))
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Said {
        said(&mut self.command(arguments))
    }

    /// `giggles scan recordings --database URL`, and more flags.
    pub fn scan_into(&self, database: &str, flags: &[&str]) -> Command {
        let mut command = self.command(&["scan", "recordings", "--database", database]);
        command.args(flags);
        command
    }

    /// The same into the SQLite file.
    pub fn scan(&self, flags: &[&str]) -> Said {
        said(&mut self.scan_into(&self.sqlite(), flags))
    }

    /// One number from the SQLite file, asked by hand.
    pub fn number(&self, sql: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.path("laughs.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).expect(sql)
    }
}

const NOBODY: u32 = 65_534;

/// The same command of another program.
fn copied(program: &Path, command: &Command) -> Command {
    let mut copy = Command::new(program);
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    copy.env_clear().envs(set).args(command.get_args());
    copy.current_dir(command.get_current_dir().unwrap());
    copy
}

fn give_to_nobody(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| give_to_nobody(&entry.path()));
    }
}

fn wav_header(rate: u32, bits: u16, bytes: usize) -> Vec<u8> {
    let bytes = u32::try_from(bytes).unwrap();
    let width = bits / 8;
    let mut header = b"RIFF".to_vec();
    header.extend((36 + bytes).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend(rate.to_le_bytes());
    header.extend((rate * u32::from(width)).to_le_bytes());
    header.extend(width.to_le_bytes());
    header.extend(bits.to_le_bytes());
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header
}

/// How the program ended, and what it said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Shows both streams if the code is another.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Said {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn complains_of(&self, words: &str) -> &Said {
        assert!(self.stderr.contains(words), "{words:?} is not in\n{}", self.stderr);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.stdout))
    }
}

pub fn said(command: &mut Command) -> Said {
    Said::new(command.output().unwrap())
}

impl Said {
    fn new(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Said {
            // Ended by a signal, which is never meant to be: no code of ours.
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// A running program. It is ended with this value.
pub struct RunningProgram(Option<Child>);

impl RunningProgram {
    pub fn start(command: &mut Command) -> RunningProgram {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        RunningProgram(Some(child.unwrap()))
    }

    /// Its standard error goes where the command says.
    pub fn start_with_stderr(command: &mut Command) -> RunningProgram {
        RunningProgram(Some(command.stdout(Stdio::piped()).spawn().unwrap()))
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let child = self.0.as_ref().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Reads its standard output, byte by byte so that nothing of the rest is lost, until it says this.
    pub fn wait_for(&mut self, words: &str) {
        let stdout = self.0.as_mut().unwrap().stdout.as_mut().unwrap();
        let (mut said, mut byte) = (Vec::new(), [0]);
        while !said.ends_with(words.as_bytes()) {
            let text = || format!("{words:?} is not in\n{}", String::from_utf8_lossy(&said));
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{}", text());
            said.push(byte[0]);
        }
    }

    pub fn wait(mut self) -> Said {
        Said::new(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Waits for a condition, not for a time: the limit is for what never comes, on a machine that does much else.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "not within 120 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
