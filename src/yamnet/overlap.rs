//! The first layers, for patches that overlap by half.
//!
//! In these layers' pictures most rows of a patch's upper half are rows of the lower half of the patch
//! before: all but those near the top and the bottom, which see the zeros around their own patch. A
//! patch that follows its neighbour computes its own rows only. Deeper down, where a picture has six
//! rows, none is shared any more.
//!
//! Invariant: a row has the same bits whether it is computed or shared.

use crate::yamnet::aligned::Aligned;
use crate::yamnet::block::{Block, Middle};
use crate::yamnet::kernels::FirstConvolution;
use crate::yamnet::{BANDS, PATCH};

/// The first convolution and the blocks behind it, one patch at a time.
pub struct Overlapping {
    first: FirstConvolution,
    blocks: Vec<Block>,
    /// Of the first convolution's picture and of each block's but the last: a following patch's own rows.
    own: Vec<Own>,
}

/// The rows of a picture that a patch computes: `0..head` and `tail..height`. Those between are rows of
/// the patch before, half a picture further down.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Own {
    height: usize,
    head: usize,
    tail: usize,
}

impl Own {
    fn all(height: usize) -> Own {
        Own { height, head: 0, tail: 0 }
    }

    /// Of a patch that follows another: `head` rows see its upper edge, `foot` rows its lower one. The
    /// patch before lacks those of its own foot.
    fn following(height: usize, head: usize, foot: usize) -> Own {
        Own { height, head, tail: height / 2 - foot }
    }

    fn rows(self) -> impl Iterator<Item = usize> {
        (0..self.head).chain(self.tail..self.height)
    }

    fn count(self) -> usize {
        self.head + self.height - self.tail
    }

    /// Where a row lies among the computed ones.
    fn place(self, row: usize) -> Option<usize> {
        match row {
            _ if row < self.head => Some(row),
            _ if row < self.tail => None,
            _ => Some(self.head + row - self.tail),
        }
    }
}

/// The computed rows of a picture.
#[derive(Default)]
struct Picture {
    own: Own,
    /// Values in a row.
    length: usize,
    values: Aligned,
}

impl Picture {
    /// Room for these rows, and for what a kernel computes beyond them.
    fn expect(&mut self, own: Own, length: usize, room: usize) -> &mut [f32] {
        (self.own, self.length) = (own, length);
        self.values.grow(room);
        &mut self.values[..room]
    }

    /// A row of the patch whose picture this is; `before` is the picture of its neighbour.
    fn row<'a>(&'a self, before: &'a Picture, row: usize) -> &'a [f32] {
        match self.own.place(row) {
            Some(place) => &self.values[place * self.length..][..self.length],
            None => before.row(before, row + self.own.height / 2),
        }
    }
}

/// What a worker keeps of a patch for the next one.
#[derive(Default)]
pub struct Pictures {
    now: Vec<Picture>,
    before: Vec<Picture>,
    middle: Middle,
}

impl Overlapping {
    /// `blocks` follow the first convolution.
    pub fn new(first: FirstConvolution, blocks: Vec<Block>) -> Self {
        // No row of the first picture sees zeros above it: SAME padding has none there at stride 2.
        let (mut head, mut foot, mut height) = (0, 1, PATCH / 2);
        let mut own = vec![Own::following(height, head, foot)];
        for block in &blocks[..blocks.len() - 1] {
            let [after, _, _] = block.output_shape();
            // At stride 1 a row sees one more row on either side; at stride 2 it sees two below.
            (head, foot) = if after == height { (head + 1, foot + 1) } else { (head.div_ceil(2), (foot + 2) / 2) };
            height = after;
            own.push(Own::following(height, head, foot));
        }
        Overlapping { first, blocks, own }
    }

    /// Values that a patch leaves.
    pub fn output_length(&self) -> usize {
        self.blocks[self.blocks.len() - 1].output_length()
    }

    /// A patch [96, 64] to the last block's picture. `follows` says that `pictures` were last used for
    /// the patch before this one.
    pub fn run(&self, patch: &[f32], follows: bool, pictures: &mut Pictures, output: &mut [f32]) {
        pictures.turn(self);
        let own = |layer: usize| if follows { self.own[layer] } else { Own::all(self.own[layer].height) };
        let Pictures { now, before, middle } = pictures;
        let length = BANDS / 2 * self.first.channels();
        self.first.run(patch, own(0).tail, now[0].expect(own(0), length, own(0).count() * length));
        let (last, blocks) = self.blocks.split_last().expect("there is a block");
        for (layer, block) in blocks.iter().enumerate() {
            let (done, next) = now.split_at_mut(layer + 1);
            let rows = own(layer + 1);
            let output = next[0].expect(rows, block.row_length(), block.room(rows.count()));
            block.run_rows(rows.rows(), |row| done[layer].row(&before[layer], row), middle, output);
        }
        let input = |row| now[blocks.len()].row(&before[blocks.len()], row);
        last.run_rows(0..last.output_shape()[0], input, middle, output);
    }
}

impl Pictures {
    /// What was computed last is now the patch before.
    fn turn(&mut self, layers: &Overlapping) {
        std::mem::swap(&mut self.now, &mut self.before);
        for pictures in [&mut self.now, &mut self.before] {
            pictures.resize_with(layers.own.len(), Picture::default);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::yamnet::kernels::Cpu;
    use crate::yamnet::net::Network;
    use crate::yamnet::weights::ModelFile;

    #[test]
    fn a_following_patch_computes_about_half_of_its_early_rows() {
        let network = Network::new(&ModelFile::embedded().tensors().unwrap(), Cpu::detect()).unwrap();
        let own: Vec<_> = network.overlapping.own.iter().map(|own| (own.count(), own.height)).collect();
        assert_eq!(own, [(25, 48), (27, 48), (15, 24), (17, 24), (9, 12), (11, 12)]);
    }
}
