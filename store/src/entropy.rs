//! Where random bytes come from: the system, or, in a simulation, a seed.

pub use crate::error::EntropyError;

/// A source of random bytes.
pub trait Entropy: Send {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// None could be had; then nothing may be written.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|error| EntropyError(error.to_string()))
    }
}

/// `N` random bytes.
pub(crate) fn draw<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], crate::StoreError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes).map_err(crate::StoreError::Entropy)?;
    Ok(bytes)
}
