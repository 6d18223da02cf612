//! Runs a process with limits, and reads its output, its messages (stderr) and its exit status.
//!
//! Invariant: dropping the value kills the process and all processes that it has started.

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

use super::texts::NO_OUTPUT;
use crate::domain::Reason;
use crate::stop::Stop;

/// Bytes of address space. ffmpeg with its libraries needs a fifth of it.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 2 << 30;

/// Seconds of processor time: a day decoded at ten times its speed.
#[cfg(target_os = "linux")]
const PROCESSOR: u64 = 4 * 3600;

/// Bytes per read, and the number of pieces that may be queued.
const PIECE: usize = 1 << 16;
const WAITING: usize = 4;

/// Bytes of messages that are kept.
const MAX_MESSAGES: usize = 1 << 16;

/// How often signals and limits are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How a process ended, if it did not exit with 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    #[error("a signal ended giggles")]
    Stopped,
    #[error("it hung and was killed after {} s", .0.as_secs())]
    Hung(Duration),
    #[error("it was killed by signal {0}")]
    Killed(i32),
    #[error("it ended with code {0}")]
    Code(i32),
}

pub struct Process {
    child: Child,
    output: Receiver<Vec<u8>>,
    messages: Arc<Mutex<Vec<u8>>>,
    stderr_reader: Option<thread::JoinHandle<()>>,
    status: Option<ExitStatus>,
    error: Option<ProcessError>,
    /// Total time spent waiting for output.
    waited: Duration,
}

impl Process {
    pub fn start(program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<Process> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // No report file, no colours; its own process group, so that it can be killed with its children.
        command.env_remove("FFREPORT").env("AV_LOG_FORCE_NOCOLOR", "1").env("LC_ALL", "C").process_group(0);
        let mut child = command.spawn()?;
        limit(&child);
        let (sender, output) = sync_channel(WAITING);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let messages = Arc::new(Mutex::new(Vec::new()));
        let mut process =
            Process { child, output, messages, stderr_reader: None, status: None, error: None, waited: Duration::ZERO };
        let messages = Arc::clone(&process.messages);
        thread::Builder::new().name("ffmpeg output".into()).spawn(move || forward(stdout, &sender))?;
        let read_stderr = move || stderr.into_iter().for_each(|stderr| keep_last(stderr, &messages));
        process.stderr_reader = Some(thread::Builder::new().name("ffmpeg messages".into()).spawn(read_stderr)?);
        Ok(process)
    }

    /// The next bytes of its output; empty at the end. `output_timeout` limits the total waiting time.
    pub fn read(&mut self, output_timeout: Duration, stop: &Stop) -> Result<Vec<u8>, Reason> {
        let begun = Instant::now();
        loop {
            match self.output.recv_timeout(POLL_INTERVAL) {
                Ok(bytes) => {
                    self.waited += begun.elapsed();
                    return Ok(bytes);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) => self.check(self.waited + begun.elapsed(), output_timeout, stop)?,
            }
        }
    }

    fn check(&mut self, waited: Duration, output_timeout: Duration, stop: &Stop) -> Result<(), Reason> {
        let error = match stop.signal() {
            Some(_) => ProcessError::Stopped,
            None if waited > output_timeout => ProcessError::Hung(waited),
            None => return Ok(()),
        };
        self.error = Some(error);
        self.kill();
        Err(Reason::wrap(error))
    }

    /// Its output as text, up to the limits.
    pub fn read_text(&mut self, output_timeout: Duration, stop: &Stop) -> String {
        let mut text = Vec::new();
        while let Ok(bytes) = self.read(output_timeout, stop) {
            if bytes.is_empty() || text.len() > MAX_MESSAGES {
                break;
            }
            text.extend(bytes);
        }
        let _ = self.end(output_timeout, stop);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits for its exit, after the end of its output. Errors: how it ended, if not with 0.
    pub fn end(&mut self, output_timeout: Duration, stop: &Stop) -> Result<(), Reason> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(Reason::wrap)? {
                break status;
            }
            self.check(self.waited + begun.elapsed(), output_timeout, stop)?;
            thread::sleep(POLL_INTERVAL / 10);
        };
        self.status = Some(status);
        if status.success() {
            return Ok(());
        }
        // A process that was killed because it hung has hung.
        let error = *self.error.get_or_insert(match status.signal() {
            Some(signal) => ProcessError::Killed(signal),
            None => ProcessError::Code(status.code().unwrap_or(-1)),
        });
        match self.stderr_tail() {
            Some(message) => Err(Reason::new(format!("{message} ({error})")).caused_by(error)),
            None => Err(Reason::wrap(error)),
        }
    }

    /// How it ended, if it has ended and did not exit with 0.
    pub fn error(&self) -> Option<ProcessError> {
        self.error
    }

    /// Its messages so far; all of them if the process has ended.
    pub fn messages(&mut self) -> String {
        if self.status.is_some()
            && let Some(stderr_reader) = self.stderr_reader.take()
        {
            // A child process that is still running may keep the pipe open.
            self.kill_group();
            let _ = stderr_reader.join();
        }
        String::from_utf8_lossy(&self.messages.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The last line of its messages.
    pub fn stderr_tail(&mut self) -> Option<String> {
        let messages = self.messages();
        let mut lines = messages.lines().rev().map(|line| super::plain(line.trim()));
        lines.find(|line| !line.is_empty() && !line.contains(NO_OUTPUT))
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

/// Sets the resource limits; the kernel enforces them.
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

/// Forwards the output until the receiver is dropped.
fn forward(from: Option<impl Read>, to: &SyncSender<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if to.send(piece[..read].to_vec()).is_err() {
            return;
        }
    }
}

/// Keeps the last [`MAX_MESSAGES`] bytes of the messages.
fn keep_last(mut from: impl Read, messages: &Mutex<Vec<u8>>) {
    let mut piece = vec![0; 4096];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.extend_from_slice(&piece[..read]);
        let excess = messages.len().saturating_sub(MAX_MESSAGES);
        messages.drain(..excess);
    }
}
