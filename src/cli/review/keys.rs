//! Keys and lines from standard input: a terminal in raw mode, or any other stream of characters.
//!
//! Raw mode means: keys arrive at once and are not shown. SignalHandler and line breaks of output work as usual.
//!
//! Invariant: the terminal is restored when `Keys` is dropped, also by a panic, and by `restore` before a signal ends the
//! program.

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use giggles::reviews::session::Key;
use giggles::stop::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal's settings before raw mode.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// How often a signal is checked for.
const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
const ESCAPE: u8 = 0x1b;

/// Restores the terminal, if it is in raw mode.
pub fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before
        && let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &before)
    {
        log::debug!("the terminal could not be restored: {error}");
    }
}

/// What is typed or piped.
pub struct Keys {
    pub is_terminal: bool,
    stop: Stop,
    bytes: VecDeque<u8>,
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

impl Keys {
    pub fn new(stop: &Stop) -> Keys {
        Keys { is_terminal: io::stdin().is_terminal(), stop: stop.clone(), bytes: VecDeque::new() }
    }

    /// The next key with a meaning; None at the end of the input or after a signal.
    pub fn key(&mut self) -> io::Result<Option<Key>> {
        if self.is_terminal {
            raw()?;
        }
        while let Some(byte) = self.byte()? {
            let key = if byte == ESCAPE { self.escape_sequence() } else { Key::of(char::from(byte)) };
            if key.is_some() {
                return Ok(key);
            }
        }
        Ok(None)
    }

    /// The rest of the line; None at the end of the input or after a signal. A terminal shows and edits it.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        restore();
        let mut line = Vec::new();
        while let Some(byte) = self.byte()? {
            match byte {
                b'\n' | b'\r' => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
                byte => line.push(byte),
            }
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned())
            .filter(|line| !line.is_empty() && self.stop.signal().is_none()))
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        if self.bytes.is_empty() {
            self.wait()?;
        }
        Ok(self.bytes.pop_front())
    }

    /// Reads what is there, as soon as something is. Nothing at the end of the input or after a signal.
    fn wait(&mut self) -> io::Result<()> {
        let input = stdin();
        while self.stop.signal().is_none() {
            let mut ready = [PollFd::new(&input, PollFlags::IN)];
            match poll(&mut ready, Some(&INTERVAL)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => (),
                Err(error) => return Err(error.into()),
            }
            let mut bytes = [0; 1024];
            match rustix::io::read(input, &mut bytes) {
                Ok(count) => {
                    self.bytes.extend(&bytes[..count]);
                    return Ok(());
                }
                // The terminal was closed.
                Err(rustix::io::Errno::IO) => return Ok(()),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => (),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The key of `ESC [ …` or `ESC O …`, which arrives in one piece. The letters in it are no keys of their own.
    fn escape_sequence(&mut self) -> Option<Key> {
        self.bytes.front().filter(|byte| matches!(byte, b'[' | b'O'))?;
        self.bytes.pop_front();
        while let Some(byte) = self.bytes.pop_front() {
            match byte {
                b'C' => return Some(Key::Skip),
                b'D' => return Some(Key::Back),
                0x40..=0x7e => return None,
                _ => (),
            }
        }
        None
    }
}

/// Sets the terminal to raw mode, also again after it was suspended.
fn raw() -> io::Result<()> {
    let mut settings = tcgetattr(stdin())?;
    let shown = LocalModes::ICANON | LocalModes::ECHO;
    if settings.local_modes.intersects(shown) {
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        before.get_or_insert_with(|| settings.clone());
        settings.local_modes.remove(shown);
        tcsetattr(stdin(), OptionalActions::Now, &settings)?;
    }
    Ok(())
}
