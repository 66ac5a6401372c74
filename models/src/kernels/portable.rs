//! Plain Rust for every processor, and the reference of the other sets: four floats at a time. A product
//! and its sum are rounded one after the other; the fused instructions of the other sets round once.

use super::bytes::Dots;
use super::lanes::Lanes;
use super::tile::by_blocks;
use super::{Affine, Block, ByteKernels, ByteTile, Depthwise, Kernels, Tile, plain};

const COUNT: usize = 4;

#[derive(Clone, Copy)]
struct Register([f32; COUNT]);

impl Lanes for Register {
    const COUNT: usize = COUNT;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; COUNT])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(from.cast::<[f32; COUNT]>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; COUNT]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        for (lane, value) in self.0.iter().enumerate() {
            // A cast saturates, and makes zero of what is not a number.
            unsafe { to.add(lane).write(value.round_ties_even() as u8) };
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, left: Self, right: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + left.0[lane] * right.0[lane]))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        let larger = |lane: usize| if self.0[lane] > other.0[lane] { self.0[lane] } else { other.0[lane] };
        Self(std::array::from_fn(larger))
    }

    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane ^ 1]))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        let smaller = |lane: usize| if self.0[lane] < other.0[lane] { self.0[lane] } else { other.0[lane] };
        Self(std::array::from_fn(smaller))
    }
}

impl Dots for Register {
    type Sums = [i32; COUNT];
    type Bytes = [[i32; 4]; COUNT];

    unsafe fn sums(from: *const i32) -> Self::Sums {
        unsafe { from.cast::<[i32; COUNT]>().read_unaligned() }
    }

    unsafe fn same(from: *const u8) -> Self::Bytes {
        [unsafe { from.cast::<[u8; 4]>().read() }.map(i32::from); COUNT]
    }

    unsafe fn weights(from: *const i8) -> Self::Bytes {
        unsafe { from.cast::<[[i8; 4]; COUNT]>().read() }.map(|four| four.map(i32::from))
    }

    unsafe fn dot(sums: Self::Sums, values: Self::Bytes, weights: Self::Bytes) -> Self::Sums {
        let four = |lane: usize| values[lane].iter().zip(weights[lane]).map(|(value, weight)| value * weight);
        std::array::from_fn(|lane| sums[lane] + four(lane).sum::<i32>())
    }

    unsafe fn floats(sums: Self::Sums) -> Self {
        Self(sums.map(|sum| sum as f32))
    }
}

/// One compiled tile.
unsafe fn one<const PIXELS: usize, const REGISTERS: usize, const STRIDE: usize>(tile: &Tile<'_>) {
    // SAFETY: as the caller's; there are no special instructions.
    unsafe { super::tile::tile::<Register, PIXELS, REGISTERS, STRIDE>(tile) }
}

/// Chooses the compiled tile.
unsafe fn tile(tile: &Tile<'_>, pixels: usize, blocks: usize) {
    // SAFETY: as the caller's.
    unsafe { by_blocks!(tile, pixels, blocks, Register, 1: [1 2 3 4]) }
}

unsafe fn byte_tile(tile: &ByteTile<'_>, pixels: usize, blocks: usize) {
    // SAFETY: as the caller's; there are no special instructions.
    unsafe {
        match (pixels, blocks) {
            (1, 1) => super::bytes::tile::<Register, 1, 4>(tile),
            (2, 1) => super::bytes::tile::<Register, 2, 4>(tile),
            (3, 1) => super::bytes::tile::<Register, 3, 4>(tile),
            (4, 1) => super::bytes::tile::<Register, 4, 4>(tile),
            _ => unreachable!("the planner makes no tile of {pixels} pixels and {blocks} blocks"),
        }
    }
}

unsafe fn depthwise(layer: &Depthwise<'_>, rows: std::ops::Range<usize>) {
    // SAFETY: as the caller's; there are no special instructions.
    unsafe { super::depthwise::rows::<Register, 2>(layer, rows) }
}

unsafe fn dot4(input: &[Block], weights: &[Block]) -> [f32; 4] {
    // SAFETY: as the caller's; there are no special instructions.
    unsafe { super::dot::dot4::<Register>(input, weights) }
}

unsafe fn max_pool(upper: &[Block], lower: &[Block], output: &mut [Block]) {
    unsafe { plain::max_pool::<Register>(upper, lower, output) }
}

unsafe fn add(left: &[Block], right: &[Block], factor: usize, output: &mut [Block]) {
    unsafe { plain::add::<Register>(left, right, factor, output) }
}

unsafe fn affine(input: &[Block], rule: &Affine, output: &mut [Block]) {
    unsafe { plain::affine::<Register>(input, rule, output) }
}

unsafe fn sum(input: &[Block]) -> Block {
    unsafe { plain::sum::<Register>(input) }
}

unsafe fn sigmoid(values: &mut [f32]) {
    plain::sigmoid(values);
}

unsafe fn scale(input: &[Block], factor: &Block, output: &mut [Block]) {
    unsafe { plain::scale::<Register>(input, factor, output) }
}

pub(super) static KERNELS: Kernels = Kernels {
    name: "portable",
    panel: 1,
    pixels: [4; 2],
    tile,
    depthwise,
    max_pool,
    add,
    affine,
    sum,
    sigmoid,
    scale,
    dot4,
    bytes: Some(ByteKernels { less: 0, tile: byte_tile }),
};
