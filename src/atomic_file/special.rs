//! Paths that are not regular files: pipes, devices, descriptors. Opening one may block forever, and replacing one
//! could break the system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fstat, stat};
use rustix::io::Errno;

use super::link::{Target, target};
use super::replace;

/// How long a pipe may stay full before writing fails.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub fn refusal() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file; name a file")
}

/// The path exists and is not a regular file.
pub fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// Whether standard output writes to this path: `/dev/stdout`, or the file that it is redirected to.
pub fn is_standard_output(path: &Path) -> bool {
    let is_same = |(a, b): (rustix::fs::Stat, rustix::fs::Stat)| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino);
    fstat(io::stdout()).and_then(|output| Ok((output, stat(path)?))).is_ok_and(is_same)
}

/// Opens a regular file for reading. Follows links as `replace` does, and never blocks on a pipe.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let Target::File(path) = target(path)? else { return Err(refusal()) };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refusal()) }
}

/// Reads a regular file.
///
/// # Errors
/// Also if it has more than `most` bytes: it is not the expected file, and might exhaust the memory.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than expected"))
    } else {
        Ok(bytes)
    }
}

/// For a path that a user has given: writes to a pipe or terminal, and replaces a file.
///
/// # Errors
/// If no process reads from the pipe. Block devices, sockets and directories are neither written nor replaced.
pub fn replace_or_stream(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let is_descriptor = matches!(target(path)?, Target::Descriptor);
    let found = fs::metadata(path).map(|found| found.file_type());
    match found {
        Ok(kind) if kind.is_fifo() || kind.is_char_device() || is_descriptor && kind.is_file() => stream(path, bytes),
        _ => replace(path, bytes, mode),
    }
}

fn stream(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new().append(true).custom_flags(flags.bits().cast_signed()).open(path);
    let mut file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::Error::new(error.kind(), "no process reads from this pipe"),
        _ => error,
    })?;
    let (mut rest, mut written) = (bytes, Instant::now());
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => (rest, written) = (&rest[count..], Instant::now()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && written.elapsed() < WRITE_TIMEOUT => {
                thread::sleep(POLL_INTERVAL);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no process reads from this pipe"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn pipe() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
        (folder, pipe)
    }

    #[test]
    fn a_pipe_without_a_reader_does_not_block() {
        let (folder, pipe) = pipe();
        assert!(replace(&pipe, b"new", 0o600).is_err());
        assert!(open_regular(&pipe).is_err() && read_regular(&pipe, 10).is_err());
        assert_eq!(replace_or_stream(&pipe, b"new", 0o600).unwrap_err().to_string(), "no process reads from this pipe");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(pipe.metadata().unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_pipe_with_a_reader_gets_all_bytes() {
        let (_folder, pipe) = pipe();
        let page = vec![b'x'; 300_000];
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        let begun = Instant::now();
        while replace_or_stream(&pipe, &page, 0o600).is_err() && begun.elapsed() < WRITE_TIMEOUT {
            thread::sleep(POLL_INTERVAL);
        }
        assert!(reader.join().unwrap() == page);
    }

    #[test]
    fn an_open_descriptor_is_written_and_its_file_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let file = File::create(&path).unwrap();
        let descriptor = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let link = folder.path().join("link");
        symlink(&descriptor, &link).unwrap();
        for path in [Path::new(&descriptor), &link] {
            assert!(replace(path, b"new", 0o600).is_err(), "{}", path.display());
            replace_or_stream(path, b"new", 0o600).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "newnew");
        assert_eq!(file.metadata().unwrap().len(), 6, "it is the file that was open");
    }

    #[test]
    fn a_file_larger_than_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_regular(&path, 5).unwrap(), b"12345");
        assert!(read_regular(&path, 4).is_err());
        assert!(read_regular(folder.path(), 5).is_err() && read_regular(Path::new("/dev/zero"), 5).is_err());
    }
}
