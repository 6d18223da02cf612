//! Mixes any number of channels to mono: the mean of all channels except low-frequency ones.
//!
//! Invariant: every output sample is finite and within [-1, 1]. NaN and infinity count as silence, and values beyond
//! full scale (possible in float recordings) are clipped per channel.

use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};

/// Mixes decoded buffers to mono.
#[derive(Default)]
pub struct Mix {
    interleaved: Vec<f32>,
}

impl Mix {
    /// Appends the mono mix of `buffer` to `mono`.
    pub fn mix(&mut self, buffer: &GenericAudioBufferRef<'_>, mono: &mut Vec<f32>) {
        let channels = buffer.num_planes();
        let lfe = lfe_channels(buffer.spec().channels());
        buffer.copy_to_vec_interleaved(&mut self.interleaved);
        let share = 1.0 / channels.saturating_sub(lfe.len()).max(1) as f32;
        mono.extend(self.interleaved.chunks_exact(channels.max(1)).map(|frame| match frame {
            [only] => clipped(*only),
            [left, right] if lfe.is_empty() => 0.5 * (clipped(*left) + clipped(*right)),
            _ => {
                let mixed = frame.iter().enumerate().filter(|(channel, _)| !lfe.contains(channel));
                share * mixed.map(|(_, sample)| clipped(*sample)).sum::<f32>()
            }
        }));
    }
}

/// Indices of the low-frequency channels in a layout with more than two channels: they contain no voices.
fn lfe_channels(channels: &Channels) -> Vec<usize> {
    match channels {
        Channels::Positioned(layout) if layout.bits().count_ones() > 2 => {
            let lfe = [Position::LFE1, Position::LFE2].into_iter().filter(|lfe| layout.contains(*lfe));
            lfe.map(|lfe| (layout.bits() & (lfe.bits() - 1)).count_ones() as usize).collect()
        }
        _ => Vec::new(),
    }
}

fn clipped(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
