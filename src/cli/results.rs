//! Results on standard output: text for people, documents for programs.

use std::io::{self, BufWriter, StdoutLock, Write};

use giggles::error::Fatal;
use giggles::text::{escape_lines, wrap};

use super::terminal::width;

/// Prints what was asked for: one JSON document, or text for people; nothing with `--quiet`.
pub fn show(
    quiet: bool,
    as_json: bool,
    document: impl FnOnce() -> String,
    text: impl FnOnce() -> String,
) -> Result<(), Fatal> {
    if quiet {
        Ok(())
    } else if as_json {
        print(&document())
    } else {
        print_text(&text())
    }
}

/// Prints results for people. Control characters in names, paths and database texts are escaped, and lines that are longer
/// than the terminal are broken between words.
pub fn print_text(text: &str) -> Result<(), Fatal> {
    print(&for_people(text))
}

fn for_people(text: &str) -> String {
    let text = escape_lines(text);
    width().map_or_else(|| text.clone(), |width| wrap(&text, width))
}

/// Standard output for results that are written in pieces. As in `print`, a closed pipe is not an error: further output
/// is dropped.
pub struct Results {
    stdout: Option<BufWriter<StdoutLock<'static>>>,
    are_for_people: bool,
}

impl Results {
    pub fn new() -> Results {
        Results { stdout: Some(BufWriter::new(io::stdout().lock())), are_for_people: false }
    }

    /// Escapes and breaks lines like `print_text`. Each write must be complete lines of UTF-8 text.
    pub fn for_people() -> Results {
        Results { are_for_people: true, ..Results::new() }
    }

    fn ignore_broken_pipe(&mut self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self.stdout.as_mut().map_or(Ok(()), |stdout| work(stdout)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // Drop the buffer, so that it is not written again.
                self.stdout.take().map(BufWriter::into_parts);
                Ok(())
            }
            done => done,
        }
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = if self.are_for_people {
            let text = for_people(&String::from_utf8_lossy(bytes));
            self.ignore_broken_pipe(|stdout| stdout.write_all(text.as_bytes()))
        } else {
            self.ignore_broken_pipe(|stdout| stdout.write_all(bytes))
        };
        done.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.ignore_broken_pipe(|stdout| stdout.flush())
    }
}

/// Writes results to standard output. A closed pipe (`| head`) is not an error.
pub fn print(text: &str) -> Result<(), Fatal> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(error)),
        _ => Ok(()),
    }
}

pub fn unwritable(error: io::Error) -> Fatal {
    Fatal::unwritable("standard output", error)
}
