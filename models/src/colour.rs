//! From brightness and colour differences to red, green and blue: the matrix of BT.601 (`Kr = 0.299`, `Kb = 0.114`) in
//! the limited range that V4L2 prescribes for a raw camera that says nothing else: brightness from 16 to 235, colour
//! differences from 16 to 240 around 128.
//!
//! Twice: in 16-bit fixed point where bytes are wanted, exact to one grey level, and in floating point where averages are.
//! Four lanes are computed where three are needed, because four are one register.

/// Red, green, blue, and one that nobody reads.
pub(crate) type Lanes<T> = [T; 4];

/// One in fixed point.
const ONE: i32 = 1 << 16;
/// Brightness times 255/219.
const GAIN: i32 = 76_309;
const BLACK: i32 = 16;
/// Colour differences times 255/224: red takes 2(1-Kr) of Cr, blue 2(1-Kb) of Cb, green what is left of both.
const OF_CB: Lanes<i32> = [0, -25_675, 132_201, 0];
const OF_CR: Lanes<i32> = [104_597, -53_279, 0, 0];

/// One pixel in bytes.
#[inline(always)]
pub(crate) fn rgb_of_limited(luma: u8, cb: u8, cr: u8) -> Lanes<i32> {
    let luma = (i32::from(luma) - BLACK) * GAIN + ONE / 2;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    std::array::from_fn(|lane| ((luma + OF_CB[lane] * cb + OF_CR[lane] * cr) >> 16).clamp(0, 255))
}

/// One pixel in averages, not rounded.
#[inline(always)]
pub(crate) fn rgb_of_limited_average(luma: f32, cb: f32, cr: f32) -> Lanes<f32> {
    let part = |fixed: i32| fixed as f32 / ONE as f32;
    let luma = (luma - BLACK as f32) * part(GAIN);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    std::array::from_fn(|lane| (luma + part(OF_CB[lane]) * cb + part(OF_CR[lane]) * cr).clamp(0.0, 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colour bars of BT.601 limited, as video equipment sends them (100 % saturated).
    const BARS: [([u8; 3], [i32; 3]); 8] = [
        ([16, 128, 128], [0, 0, 0]),
        ([235, 128, 128], [255, 255, 255]),
        ([81, 90, 240], [255, 0, 0]),
        ([145, 54, 34], [0, 255, 0]),
        ([41, 240, 110], [0, 0, 255]),
        ([210, 16, 146], [255, 255, 0]),
        ([170, 166, 16], [0, 255, 255]),
        ([106, 202, 222], [255, 0, 255]),
    ];

    #[test]
    fn colour_bars_have_their_colours_in_both_arithmetics() {
        for ([luma, cb, cr], rgb) in BARS {
            let bytes = rgb_of_limited(luma, cb, cr);
            let average = rgb_of_limited_average(f32::from(luma), f32::from(cb), f32::from(cr));
            for channel in 0..3 {
                assert!((bytes[channel] - rgb[channel]).abs() <= 2, "{bytes:?} is not {rgb:?}");
                assert!((average[channel] - bytes[channel] as f32).abs() <= 0.51, "{average:?}");
            }
        }
    }
}
