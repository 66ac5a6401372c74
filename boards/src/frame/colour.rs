//! The matrix of BT.601, in 16-bit fixed point: exact to one grey level, without floating point per pixel.

/// One in fixed point.
const ONE: i32 = 1 << 16;

/// Weights of one YCbCr range, times [`ONE`].
struct Matrix {
    black: i32,
    gain: i32,
    red_by_cr: i32,
    green_by_cb: i32,
    green_by_cr: i32,
    blue_by_cb: i32,
}

/// BT.601 limited: brightness from 16 to 235 stretched by 255/219, colour differences by 255/224.
const LIMITED: Matrix = Matrix {
    black: 16,
    gain: 76_309,
    red_by_cr: 104_597,
    green_by_cb: 25_675,
    green_by_cr: 53_279,
    blue_by_cb: 132_201,
};

impl Matrix {
    fn rgb(&self, luma: u8, cb: u8, cr: u8) -> [u8; 3] {
        let luma = (i32::from(luma) - self.black) * self.gain;
        let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
        [
            level(luma + self.red_by_cr * cr),
            level(luma - self.green_by_cb * cb - self.green_by_cr * cr),
            level(luma + self.blue_by_cb * cb),
        ]
    }
}

/// Rounds to a byte.
fn level(fixed: i32) -> u8 {
    u8::try_from(((fixed + ONE / 2) >> 16).clamp(0, 255)).expect("clamped to a byte")
}

/// Brightness of `Y0 Cb Y1 Cr`, stretched to 0 to 255.
pub(super) fn full_range_luma(yuyv: &[u8]) -> Vec<u8> {
    let table: [u8; 256] = std::array::from_fn(|luma| {
        let luma = i32::try_from(luma).expect("below 256");
        level((luma - LIMITED.black) * LIMITED.gain)
    });
    yuyv.iter().step_by(2).map(|&luma| table[usize::from(luma)]).collect()
}

pub(super) fn rgb_of_yuyv(yuyv: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(yuyv.len() / 2 * 3);
    for pair in yuyv.chunks_exact(4) {
        rgb.extend_from_slice(&LIMITED.rgb(pair[0], pair[1], pair[3]));
        rgb.extend_from_slice(&LIMITED.rgb(pair[2], pair[1], pair[3]));
    }
    rgb
}

/// Kr = 0.299, Kb = 0.114.
pub(super) fn luma_of_rgb(&[red, green, blue]: &[u8; 3]) -> u8 {
    level(19_595 * i32::from(red) + 38_470 * i32::from(green) + 7_471 * i32::from(blue))
}
