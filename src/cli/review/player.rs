//! Plays clips with a program of the system.
//!
//! Invariant: no shell is involved; the clip is one argument, an absolute path. A player is ended before the next one
//! starts, and with this program.

use std::env;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Players of FLAC, and what makes them play one file without a window and without using the terminal.
const PLAYERS: [(&str, &[&str]); 6] = [
    ("mpv", &["--no-video", "--no-terminal", "--no-config"]),
    ("ffplay", &["-nodisp", "-autoexit", "-loglevel", "quiet", "-i"]),
    ("pw-play", &[]),
    ("paplay", &[]),
    ("play", &["-q"]),
    ("afplay", &[]),
];

/// The system's player, and the folder of the clips.
pub struct Player {
    folder: PathBuf,
    program: PathBuf,
    flags: &'static [&'static str],
    playing: Option<Child>,
}

impl Player {
    /// The given program, else the first player that is installed.
    ///
    /// # Errors
    /// There is none, for people.
    pub fn find(folder: &Path, given: Option<String>) -> Result<Player, String> {
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        let (program, flags) = match given {
            Some(name) => {
                let stem = Path::new(&name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let flags = PLAYERS.iter().find(|(known, _)| *known == stem).map_or(&[][..], |(_, flags)| flags);
                let program = if name.contains('/') { Some(name.clone().into()) } else { installed(&name) };
                (program.ok_or_else(|| format!("GIGGLES_PLAYER: {name} is not installed"))?, flags)
            }
            None => PLAYERS.iter().find_map(|(name, flags)| Some((installed(name)?, *flags))).ok_or_else(|| {
                let names = PLAYERS.map(|(name, _)| name).join(", ");
                format!("no player is installed ({names}); install one, or name another with GIGGLES_PLAYER")
            })?,
        };
        Ok(Player { folder, program, flags, playing: None })
    }

    /// Starts to play a clip; ends the one before.
    ///
    /// # Errors
    /// Why it is not played, for people.
    pub fn play(&mut self, clip: Option<&str>) -> Result<(), String> {
        self.end();
        let clip = Path::new(clip.ok_or("it has no clip")?);
        if !clip.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err("the path of its clip points outside the folder".into());
        }
        let path = self.folder.join(clip);
        if !path.is_file() {
            return Err(format!("its clip {} is missing", path.display()));
        }
        let mut command = Command::new(&self.program);
        command.args(self.flags).arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn();
        self.playing = Some(started.map_err(|error| format!("{}: {error}", self.program.display()))?);
        Ok(())
    }

    /// Ends the player if it is still playing.
    pub fn end(&mut self) {
        let Some(mut child) = self.playing.take() else { return };
        // It may have ended by itself.
        let ended = child.kill().and_then(|()| child.wait());
        if let Err(error) = ended.map(drop).or_else(|error| ignore(error, ErrorKind::InvalidInput)) {
            log::debug!("the player could not be ended: {error}");
        }
    }
}

fn ignore(error: std::io::Error, kind: ErrorKind) -> std::io::Result<()> {
    if error.kind() == kind { Ok(()) } else { Err(error) }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.end();
    }
}

/// The path of an installed program.
fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
