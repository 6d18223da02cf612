//! The descriptions of the routes of clips and their spectrograms.

use crate::serve::operation::{Answer, Kind, Operation, Parameter, part};

const PARTS: &[Parameter] = &[
    part("source", Kind::Text, "the folder of the source"),
    part("day", Kind::Text, "the folder of the day"),
    part("file", Kind::Text, "the name of the clip"),
];

pub const CLIP: Operation = Operation {
    id: "clip",
    about: "The sound of a laugh, in parts if the request has a Range",
    parameters: PARTS,
    body: None,
    answer: Answer::Bytes("audio/flac", "the clip"),
    statuses: &[206, 304, 404, 416],
};

pub const SPECTROGRAM: Operation = Operation {
    id: "spectrogram",
    about: "The spectrogram of a clip",
    parameters: PARTS,
    body: None,
    answer: Answer::Bytes("image/png", "a picture, transparent where it is quiet"),
    statuses: &[304, 404],
};
