//! Ogg framing (RFC 3533), reduced to what the example, the benchmark and the tests need: one logical stream, complete
//! pages, no checksums.

/// The packets of an Ogg file of one stream.
pub fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut at, mut packets, mut packet) = (0, Vec::new(), Vec::new());
    while let Some(page) = file.get(at..).filter(|page| page.starts_with(b"OggS")) {
        let lacing = &page[27..][..usize::from(page[26])];
        let mut from = 27 + lacing.len();
        for &length in lacing {
            packet.extend(&page[from..from + usize::from(length)]);
            from += usize::from(length);
            if length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        at += from;
    }
    packets
}
