//! Mixes any number of channels to mono: the mean of all channels except low-frequency ones.
//!
//! ```text
//! mono[t] = 1 / n x (sum of clipped(sample[t, c]) over the n channels c that are not low-frequency, in their order)
//! ```
//!
//! Invariant: every output sample is finite and within [-1, 1]. NaN and infinity count as silence, and values beyond
//! full scale (possible in float recordings) are clipped per channel.

use symphonia::core::audio::conv::IntoSample;
use symphonia::core::audio::sample::Sample;
use symphonia::core::audio::{Audio, AudioBuffer, Channels, GenericAudioBufferRef as Buffer, Position};

/// Appends the mono mix of `buffer` to `mono`.
pub fn mix(buffer: &Buffer<'_>, mono: &mut Vec<f32>) {
    match buffer {
        Buffer::U8(buffer) => mix_planes(buffer, mono),
        Buffer::U16(buffer) => mix_planes(buffer, mono),
        Buffer::U24(buffer) => mix_planes(buffer, mono),
        Buffer::U32(buffer) => mix_planes(buffer, mono),
        Buffer::S8(buffer) => mix_planes(buffer, mono),
        Buffer::S16(buffer) => mix_planes(buffer, mono),
        Buffer::S24(buffer) => mix_planes(buffer, mono),
        Buffer::S32(buffer) => mix_planes(buffer, mono),
        Buffer::F32(buffer) => mix_planes(buffer, mono),
        Buffer::F64(buffer) => mix_planes(buffer, mono),
    }
}

/// The same for one sample type. Plane by plane, so that the loops are those of slices.
fn mix_planes<S: Sample + IntoSample<f32>>(buffer: &AudioBuffer<S>, mono: &mut Vec<f32>) {
    let read = |sample: &S| clipped((*sample).into_sample());
    let lfe = lfe_channels(buffer.spec().channels());
    let mut planes = buffer.iter_planes();
    match (buffer.num_planes(), planes.next()) {
        (1, Some(only)) => mono.extend(only.iter().map(read)),
        (2, Some(left)) if lfe.is_empty() => {
            let right = planes.next().unwrap_or_default();
            mono.extend(left.iter().zip(right).map(|(left, right)| 0.5 * (read(left) + read(right))));
        }
        (channels, _) => {
            let start = mono.len();
            mono.resize(start + buffer.frames(), 0.0);
            let mixed = buffer.iter_planes().enumerate().filter(|(channel, _)| !lfe.contains(channel));
            for (_, plane) in mixed {
                mono[start..].iter_mut().zip(plane).for_each(|(sum, sample)| *sum += read(sample));
            }
            let share = share(channels, &lfe);
            mono[start..].iter_mut().for_each(|sum| *sum *= share);
        }
    }
}

/// The weight of a channel in the mean.
pub fn share(channels: usize, lfe: &[usize]) -> f32 {
    1.0 / channels.saturating_sub(lfe.len()).max(1) as f32
}

/// Indices of the low-frequency channels in a layout with more than two channels: they contain no voices.
pub fn lfe_channels(channels: &Channels) -> Vec<usize> {
    match channels {
        Channels::Positioned(layout) if layout.bits().count_ones() > 2 => {
            let lfe = [Position::LFE1, Position::LFE2].into_iter().filter(|lfe| layout.contains(*lfe));
            lfe.map(|lfe| (layout.bits() & (lfe.bits() - 1)).count_ones() as usize).collect()
        }
        _ => Vec::new(),
    }
}

pub fn clipped(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
