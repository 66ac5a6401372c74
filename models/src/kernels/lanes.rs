//! A register of floats, as far as the inner loops need it.

/// Some channels of one pixel in one register.
///
/// # Safety
/// Whoever calls a method must be compiled for, and run on, a processor with the instructions of the implementation;
/// pointers must be good for [`Lanes::COUNT`] floats.
pub(super) trait Lanes: Copy {
    /// Floats in the register; a divisor of sixteen.
    const COUNT: usize;
    /// The same number everywhere.
    unsafe fn splat(value: f32) -> Self;
    /// Reads neighbouring floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes neighbouring floats.
    unsafe fn store(self, to: *mut f32);
    /// Writes as many bytes: the nearest whole numbers, 0 to 255, less what the set takes from each byte.
    unsafe fn store_bytes(self, to: *mut u8);
    /// `self + left * right`.
    unsafe fn multiply_add(self, left: Self, right: Self) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// The smaller of both, and zero where `self` is not a number and `other` is zero.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger of both.
    unsafe fn max(self, other: Self) -> Self;
    /// Lane 0 with lane 1, lane 2 with lane 3, and so on.
    unsafe fn swap_pairs(self) -> Self;

    /// `self` where it is positive, elsewhere `self` times a slope, which is given less one. What is not a number stays so:
    /// the product with zero is added to it.
    #[inline(always)]
    unsafe fn activate(self, slope_less_one: Self) -> Self {
        unsafe { self.multiply_add(slope_less_one, self.min(Self::splat(0.0))) }
    }
}
