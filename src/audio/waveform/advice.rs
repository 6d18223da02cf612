//! Adds the command that converts an unsupported file to an error message.
//!
//! Invariant: the command is safe to paste into a shell for any file name.

use std::path::Path;

use crate::audio::decode::error_map::{ForeignFormat, UnknownFormat};
use crate::domain::RecordingError;

/// Replaces the advice of the error by a command, or adds one if the format is unknown.
pub fn with_command(error: RecordingError, path: &Path) -> RecordingError {
    let RecordingError::Unsupported { what } = &error else { return error };
    let advised = if let Some(ForeignFormat { what, .. }) = what.downcast_ref() {
        format!("{what}, which is not supported; {}", command(path))
    } else if what.downcast_ref::<UnknownFormat>().is_some() {
        format!("{what}; if it is audio, {}", command(path))
    } else {
        return error;
    };
    RecordingError::Unsupported { what: what.reworded(advised) }
}

fn command(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_flac = Path::new(name.as_ref()).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("flac"));
    let converted = Path::new(name.as_ref()).with_extension(if is_flac { "wav" } else { "flac" });
    let (name, converted) = (quoted(&name), quoted(&converted.to_string_lossy()));
    format!("scan it with --ffmpeg, or convert it: ffmpeg -i {name} {converted}")
}

/// A file name quoted for the shell, which ffmpeg does not parse as an option or a protocol.
fn quoted(name: &str) -> String {
    if name.chars().any(char::is_control) {
        return "FILE".to_owned();
    }
    let is_safe = |c: char| c.is_alphanumeric() || "._-+,@%/".contains(c);
    let name = if name.starts_with('-') || name.contains(':') { format!("./{name}") } else { name.to_owned() };
    if name.chars().all(is_safe) { name } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode::error_map::convert;

    #[test]
    fn the_command_is_safe_to_paste() {
        for (name, shown) in [
            ("a.amr", "ffmpeg -i a.amr a.flac"),
            ("a b.amr", "ffmpeg -i 'a b.amr' 'a b.flac'"),
            ("it's.wma", "ffmpeg -i 'it'\\''s.wma' 'it'\\''s.flac'"),
            ("-i", "ffmpeg -i ./-i ./-i.flac"),
            ("concat:a|b", "ffmpeg -i './concat:a|b' './concat:a|b.flac'"),
            ("$(reboot).amr", "ffmpeg -i '$(reboot).amr' '$(reboot).flac'"),
            ("a\nb.amr", "ffmpeg -i FILE FILE"),
        ] {
            let error = RecordingError::Unsupported { what: convert("it is AMR", "WAV") };
            let text = with_command(error, &Path::new("/folder").join(name)).to_string();
            assert!(
                text.ends_with(&format!(
                    "it is AMR, which is not supported; scan it with --ffmpeg, or convert it: {shown}"
                )),
                "{text}"
            );
        }
    }

    #[test]
    fn other_errors_are_unchanged() {
        let pdf = RecordingError::Unsupported { what: "it is a PDF document".into() };
        assert_eq!(with_command(pdf.clone(), Path::new("a.wav")), pdf);
        assert_eq!(with_command(RecordingError::Empty, Path::new("a.wav")), RecordingError::Empty);
    }
}
