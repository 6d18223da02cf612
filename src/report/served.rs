//! The clips and spectrograms of a page of `giggles serve`: addresses of the server, which reads the files when a browser
//! asks for them.

use std::path::Path;

use super::sound::{Row, address, is_inside, rows_of};
use crate::calendar::Day;
use crate::render::page::{Audio, Picture, Sound};

/// The sounds of every part of every laugh, in order; then those of what does not count.
pub fn sounds(days: &[Day], clips: Option<&Path>) -> Vec<Vec<Sound>> {
    let (laughs, uncounted) = rows_of(days);
    let rows = laughs.iter().map(Row::from).chain(uncounted.iter().map(Row::from));
    let sounds = |row: Row| row.clips.iter().map(|clip| sound(clip.ok_or(row.without), clips)).collect();
    rows.map(sounds).collect()
}

fn sound(clip: Result<&str, &str>, folder: Option<&Path>) -> Sound {
    let missing = |why: &str| Sound { picture: None, audio: Audio::Missing(why.to_owned()) };
    match (clip, folder) {
        (Err(why), _) => missing(why),
        (Ok(_), None) => missing("no clip: start the server with --clips"),
        (Ok(clip), Some(_)) if !is_inside(clip) => missing("no clip: its path points outside the folder"),
        (Ok(clip), Some(folder)) if !folder.join(clip).is_file() => missing("no clip: its file is missing"),
        (Ok(clip), Some(_)) => {
            let path = address(Path::new(clip));
            Sound {
                picture: Some(Picture::Linked(format!("/api/v1/spectrograms/{path}"))),
                audio: Audio::Linked(format!("/api/v1/clips/{path}")),
            }
        }
    }
}
