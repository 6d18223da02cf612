//! A process that is watched: what it gives, what it says, how long it takes, and its end.
//!
//! Invariant: dropped, it is killed, with all that it has started.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::record::Stop;

/// Bytes of address space. ffmpeg with its libraries takes a fifth of it.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 2 << 30;

/// Seconds of processor time: a day decoded at ten times its speed.
#[cfg(target_os = "linux")]
const PROCESSOR: u64 = 4 * 3600;

/// Bytes read at once, and pieces that wait to be taken.
const PIECE: usize = 1 << 16;
const WAITING: usize = 4;

/// What is kept of what it says.
const MOST_SAID: usize = 1 << 16;

/// How often a signal is looked for.
const MOMENT: Duration = Duration::from_millis(50);

pub struct Process {
    child: Child,
    output: Receiver<Vec<u8>>,
    said: Arc<Mutex<Vec<u8>>>,
    listener: Option<thread::JoinHandle<()>>,
    status: Option<ExitStatus>,
    /// Time spent waiting for it.
    waited: Duration,
}

impl Process {
    pub fn start(program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<Process> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // It would write a file of its own; colours are for terminals; and its group can be killed as one.
        command.env_remove("FFREPORT").env("AV_LOG_FORCE_NOCOLOR", "1").env("LC_ALL", "C").process_group(0);
        let mut child = command.spawn()?;
        limit(&child);
        let (sender, output) = sync_channel(WAITING);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut process = Process { child, output, said, listener: None, status: None, waited: Duration::ZERO };
        let said = Arc::clone(&process.said);
        thread::Builder::new().name("ffmpeg output".into()).spawn(move || forward(stdout, &sender))?;
        let listen = move || stderr.into_iter().for_each(|stderr| keep_last(stderr, &said));
        process.listener = Some(thread::Builder::new().name("ffmpeg messages".into()).spawn(listen)?);
        Ok(process)
    }

    /// The next bytes of its output; none at the end. `patience` is for all waiting together.
    pub fn read(&mut self, patience: Duration, stop: &Stop) -> Result<Vec<u8>, String> {
        let begun = Instant::now();
        loop {
            match self.output.recv_timeout(MOMENT) {
                Ok(bytes) => {
                    self.waited += begun.elapsed();
                    return Ok(bytes);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) => self.check(self.waited + begun.elapsed(), patience, stop)?,
            }
        }
    }

    fn check(&mut self, waited: Duration, patience: Duration, stop: &Stop) -> Result<(), String> {
        let reason = match stop.signal() {
            Some(_) => "giggles was asked to end".to_owned(),
            None if waited > patience => format!("it hangs, and was ended after {} s", waited.as_secs()),
            None => return Ok(()),
        };
        self.kill();
        Err(reason)
    }

    /// All of its output as text, as far as that comes.
    pub fn read_text(&mut self, patience: Duration, stop: &Stop) -> String {
        let mut text = Vec::new();
        while let Ok(bytes) = self.read(patience, stop) {
            if bytes.is_empty() || text.len() > MOST_SAID {
                break;
            }
            text.extend(bytes);
        }
        let _ = self.end(patience, stop);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits for its end, once its output has ended. Errors: how it ended, if not well.
    pub fn end(&mut self, patience: Duration, stop: &Stop) -> Result<(), String> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            self.check(self.waited + begun.elapsed(), patience, stop)?;
            thread::sleep(MOMENT / 10);
        };
        self.status = Some(status);
        if status.success() {
            return Ok(());
        }
        let how = match status.signal() {
            Some(signal) => format!("it was killed by signal {signal}"),
            None => format!("it ended with code {}", status.code().unwrap_or(-1)),
        };
        Err(self.last_words().map_or(how.clone(), |words| format!("{words} ({how})")))
    }

    /// How it ended, if not by itself.
    pub fn was_ended(&self) -> Option<String> {
        match self.status {
            Some(status) => status.signal().map(|signal| format!("it was killed by signal {signal}")),
            None => Some("it hangs, and was ended".to_owned()),
        }
    }

    /// What it has said so far. Of a process that has ended, all of it.
    pub fn said(&mut self) -> String {
        if self.status.is_some()
            && let Some(listener) = self.listener.take()
        {
            // A process of its own that is left may hold the pipe.
            self.kill_group();
            let _ = listener.join();
        }
        String::from_utf8_lossy(&self.said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The last line of that.
    pub fn last_words(&mut self) -> Option<String> {
        let said = self.said();
        let mut lines = said.lines().rev().map(|line| super::plain(line.trim()));
        lines.find(|line| !line.is_empty() && !line.contains("At least one output file must be specified"))
    }

    fn kill_group(&self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn kill(&mut self) {
        self.kill_group();
        self.status = self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The kernel ends it where it wants too much.
#[cfg(target_os = "linux")]
fn limit(child: &Child) {
    use rustix::process::{Resource, Rlimit, prlimit};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    for (resource, limit) in [(Resource::As, most(MEMORY)), (Resource::Cpu, most(PROCESSOR)), (Resource::Core, most(0))]
    {
        if let Err(error) = prlimit(pid, resource, limit) {
            log::debug!("ffmpeg's limits cannot be set: {error}");
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &Child) {}

/// Passes on what comes, until nobody wants it.
fn forward(from: Option<impl Read>, to: &SyncSender<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if to.send(piece[..read].to_vec()).is_err() {
            return;
        }
    }
}

/// Keeps the end of what is said: the beginning of a long complaint is like the rest of it.
fn keep_last(mut from: impl Read, said: &Mutex<Vec<u8>>) {
    let mut piece = vec![0; 4096];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&piece[..read]);
        let excess = said.len().saturating_sub(MOST_SAID);
        said.drain(..excess);
    }
}
