//! From any number of channels to one: the mean of those that carry voices.
//!
//! Invariant: every sample that leaves is finite and within [-1, 1]. What is not a number counts as
//! silence, and what is louder than full scale (float recordings may be) is clipped, channel by channel.

use symphonia::core::audio::{Channels, GenericAudioBufferRef, Position};

/// Turns decoded buffers into mono.
#[derive(Default)]
pub struct Mix {
    interleaved: Vec<f32>,
}

impl Mix {
    /// Appends the mono of `buffer` to `mono`.
    pub fn mix(&mut self, buffer: &GenericAudioBufferRef<'_>, mono: &mut Vec<f32>) {
        let channels = buffer.num_planes();
        let deaf = deaf(buffer.spec().channels());
        buffer.copy_to_vec_interleaved(&mut self.interleaved);
        let share = 1.0 / channels.saturating_sub(deaf.len()).max(1) as f32;
        mono.extend(self.interleaved.chunks_exact(channels.max(1)).map(|frame| match frame {
            [only] => audible(*only),
            [left, right] if deaf.is_empty() => 0.5 * (audible(*left) + audible(*right)),
            _ => {
                let heard = frame.iter().enumerate().filter(|(place, _)| !deaf.contains(place));
                share * heard.map(|(_, sample)| audible(*sample)).sum::<f32>()
            }
        }));
    }
}

/// Places of the low-frequency channels of a layout with more than two channels: they hold no voices.
fn deaf(channels: &Channels) -> Vec<usize> {
    match channels {
        Channels::Positioned(layout) if layout.bits().count_ones() > 2 => {
            let deep = [Position::LFE1, Position::LFE2].into_iter().filter(|lfe| layout.contains(*lfe));
            deep.map(|lfe| (layout.bits() & (lfe.bits() - 1)).count_ones() as usize).collect()
        }
        _ => Vec::new(),
    }
}

fn audible(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
