//! Implements symphonia's reader trait.

use symphonia::core::errors::{Error, Result, SeekErrorKind};
use symphonia::core::formats::well_known::FORMAT_ID_OGG;
use symphonia::core::formats::{FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::Metadata;
use symphonia::core::packet::Packet;

use super::Reader;

const INFO: FormatInfo = FormatInfo { format: FORMAT_ID_OGG, short_name: "ogg", long_name: "Ogg" };

impl FormatReader for Reader {
    fn format_info(&self) -> &FormatInfo {
        &INFO
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.ready.pop_front() {
                return Ok(Some(packet));
            }
            if !self.next.is_empty() {
                self.start_link();
                self.begin()?;
                match self.tracks.len() {
                    0 => (),
                    1 => return Err(Error::ResetRequired),
                    _ => self.refuse_all(),
                }
            } else if self.rest.is_some() {
                return self.finish();
            } else {
                self.step()?;
            }
        }
    }

    fn seek(&mut self, _: SeekMode, _: SeekTo) -> Result<SeekedTo> {
        Err(Error::SeekError(SeekErrorKind::Unseekable))
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.pages.into_inner()
    }
}
