//! Reads Apple's Core Audio Format: chunks with 64-bit lengths; `desc` contains the codec, `data` the samples, and
//! `pakt` the packet sizes if they vary.
//!
//! symphonia's reader rejects a file whose samples have no length or are cut, and does not support Opus, so this module
//! walks the chunks itself.
//!
//! Invariant: reads headers only, and a packet table of at most [`MAX_TABLE`] bytes.

mod codec;
mod table;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::FORMAT_ID_CAF;

use self::codec::Description;
use self::table::Table;
use super::blocks::{self, Coding, Extent};
use super::packets::{self, Window};
use super::wav::array;
use crate::domain::Reason;

const MAX_CHUNKS: usize = 4096;

/// Maximum size of a codec's setup data, bytes.
const MAX_COOKIE: u64 = 1 << 20;

/// Maximum size of the packet table: one week of 20 ms packets.
const MAX_TABLE: u64 = 64 << 20;

const FORMAT: (symphonia::core::formats::FormatId, &str) = (FORMAT_ID_CAF, "Core Audio Format");

/// The layout of a CAF file according to its header.
#[derive(Debug, Clone)]
pub struct Layout {
    pub extent: Extent,
    /// The header contains no length.
    pub open: bool,
    pub notes: Vec<String>,
    packets: Packets,
}

/// How the samples are stored.
#[derive(Debug, Clone)]
enum Packets {
    OneSize(Coding),
    Several(Description, Table),
    /// The table is missing; it is written after the samples.
    NoTable,
    /// Not supported: the message.
    Unknown(Reason),
}

/// Collects data during the walk over the chunks.
#[derive(Default)]
struct Walk {
    description: Option<Description>,
    cookie: Vec<u8>,
    speakers: u32,
    table: Option<Vec<u8>>,
    /// Offset of the samples, and their announced length in bytes.
    data: Option<(u64, Option<u64>)>,
    notes: Vec<String>,
}

impl Layout {
    /// Walks the chunks. None if there are no samples or no `desc`.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Layout>> {
        let (mut walk, mut at) = (Walk::default(), 8);
        for _ in 0..MAX_CHUNKS {
            let Ok(header) = array::<12>(file, at) else { break };
            let [a, b, c, d, size @ ..] = header;
            let (start, size) = (at + 12, u64::from_be_bytes(size));
            let is_name = [a, b, c, d].iter().all(|byte| (0x20..0x7F).contains(byte));
            if !is_name || (walk.data.is_some() && start.saturating_add(size) > bytes) {
                break;
            }
            walk.read_chunk(file, [a, b, c, d], start, size)?;
            at = if size == u64::MAX { bytes } else { start.saturating_add(size) };
        }
        if at < bytes && walk.data.is_some() {
            walk.notes.push(format!("{} bytes after its last chunk are ignored", bytes - at));
        }
        Ok(walk.layout(bytes))
    }

    /// Whether the header is complete, but the packet table was not written.
    pub fn lacks_table(&self) -> bool {
        matches!(self.packets, Packets::NoTable)
    }

    /// Creates a reader of the packets. Inner error: the message for an unsupported codec.
    pub fn reader(self, file: File) -> io::Result<Result<Box<dyn FormatReader>, Reason>> {
        match self.packets {
            Packets::OneSize(coding) => blocks::reader(FORMAT, coding, file, self.extent).map(Ok),
            Packets::Several(description, table) => {
                let window = Window::new(file, self.extent.start, self.extent.length)?;
                let mut track = packets::track(description.parameters.clone(), None);
                // The announced end is not used: writers count differently, and the table shows what is missing.
                table.valid().map(|valid| track.with_duration(valid.into()));
                Ok(Ok(packets::reader(FORMAT.0, FORMAT.1, track, table::Packets::new(window, &description, table))))
            }
            Packets::NoTable => Ok(Err("the table of its packets is missing".into())),
            Packets::Unknown(reason) => Ok(Err(reason)),
        }
    }
}

impl Walk {
    fn read_chunk(&mut self, file: &mut File, name: [u8; 4], start: u64, size: u64) -> io::Result<()> {
        let mut contents = |limit: u64| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(start))?;
            Read::by_ref(file).take(size.min(limit)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match &name {
            b"desc" => self.description = Description::parse(&contents(32)?),
            b"kuki" => self.cookie = contents(MAX_COOKIE)?,
            b"chan" => self.speakers = codec::speakers(&contents(12)?),
            b"pakt" => self.table = Some(contents(MAX_TABLE)?),
            // The first four bytes are the edit count.
            b"data" if self.data.is_none() => {
                self.data = Some((start + 4, Some(size.saturating_sub(4)).filter(|_| size != u64::MAX && size > 0)));
            }
            b"data" => self.notes.push(format!("a second data chunk of {size} bytes is ignored")),
            _ => (),
        }
        Ok(())
    }

    fn layout(mut self, bytes: u64) -> Option<Layout> {
        let ((start, announced), description) = self.data.zip(self.description.take())?;
        let there = bytes.saturating_sub(start);
        let missing = announced.map_or(0, |announced| announced.saturating_sub(there));
        if missing > 0 {
            self.notes.push(format!("{missing} bytes that its header announces are missing"));
        }
        let length = announced.map_or(there, |announced| announced.min(there));
        let extent = Extent { start, length, missing, unread: 0 };
        let packets = packets(description, &self.cookie, self.speakers, self.table);
        Some(Layout { extent, open: announced.is_none(), notes: self.notes, packets })
    }
}

fn packets(mut description: Description, cookie: &[u8], speakers: u32, table: Option<Vec<u8>>) -> Packets {
    if let Err(reason) = description.set_parameters(cookie, speakers, table.as_deref()) {
        return Packets::Unknown(reason);
    }
    match (description.coding(speakers), table) {
        (Some(Ok(coding)), _) => Packets::OneSize(coding),
        (Some(Err(reason)), _) => Packets::Unknown(reason),
        (None, Some(table)) => match Table::parse(table) {
            Some(table) => Packets::Several(description, table),
            None => Packets::NoTable,
        },
        (None, None) => Packets::NoTable,
    }
}
