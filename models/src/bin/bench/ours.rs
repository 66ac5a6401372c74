//! Our side of the comparisons: the only place that knows how a network or a frame is run, so that a change of theirs is a
//! change of this file.

use std::path::Path;

use gate::Monotonic;
use models::network::{Network, Ranges};
use models::{Detection, Detector, Image, Observation, Threads, Vision};

use crate::failure::{At as _, Failure};
use crate::inputs::Input;
use crate::measure::{Contender, Laps, laps};

/// What `quantise` wrote: which layers of SFace run in bytes, and their ranges.
const RANGES: &str = include_str!("../../../cards/ranges/sface-2021dec.toml");

/// A network and its input, ready to run.
pub(crate) struct Engine {
    network: Network,
    side: usize,
    pixels: Vec<f32>,
    output: Vec<f32>,
}

impl Engine {
    /// Loads a network to compute with floats.
    pub(crate) fn load(file: &Path, input: &Input, threads: usize) -> Result<Self, Failure> {
        let (name, bytes) = read(file)?;
        let network = Network::from_onnx(&name, &bytes, size(input), &Threads::start(threads)?)?;
        Ok(Self::new(network, input))
    }

    /// Loads SFace to compute with bytes, within the ranges that are shipped; `None` if this processor has no instructions for it.
    pub(crate) fn load_in_bytes(file: &Path, input: &Input, threads: usize) -> Result<Option<Self>, Failure> {
        let (name, bytes) = read(file)?;
        let threads = Threads::start(threads)?;
        let ranges: Ranges = toml::from_str(RANGES)
            .map_err(|error| Failure::Unusable(format!("cards/ranges/sface-2021dec.toml: {error}")))?;
        let network = Network::in_bytes(&name, &bytes, size(input), ranges, &threads)?;
        Ok(network.is_in_bytes().then(|| Self::new(network, input)))
    }

    fn new(network: Network, input: &Input) -> Self {
        Self { network, side: input.side, pixels: input.interleaved(), output: Vec::new() }
    }

    /// One forward pass; its first output is kept. Never inlined, so that instructions can be counted in here alone.
    #[inline(never)]
    pub(crate) fn one_forward(&mut self) -> Result<&[f32], Failure> {
        let line = self.side * 3;
        let outputs = self.network.run(self.side, self.side, |y, row| {
            row.copy_from_slice(&self.pixels[y * line..][..line]);
        })?;
        self.output.clear();
        self.output.extend_from_slice(outputs.first().unwrap_or_default());
        Ok(&self.output)
    }
}

impl Contender for Engine {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
        laps(runs, || self.one_forward().map(|_| ()))
    }
}

fn read(file: &Path) -> Result<(String, Vec<u8>), Failure> {
    Ok((file.display().to_string(), std::fs::read(file).at("read the network", file)?))
}

fn size(input: &Input) -> Option<(usize, usize)> {
    Some((input.side, input.side))
}

/// Detection with all that comes before the network and after it.
pub(crate) struct Finder {
    detector: Detector,
    picture: Image,
}

impl Finder {
    pub(crate) fn load(models: &Path, picture: &Image, threads: usize) -> Result<Self, Failure> {
        let detector = Detector::load(models, &Threads::start(threads)?)?;
        Ok(Self { detector, picture: picture.clone() })
    }

    #[inline(never)]
    pub(crate) fn one_forward(&mut self) -> Result<Vec<Detection>, Failure> {
        Ok(self.detector.detect(&self.picture)?)
    }
}

impl Contender for Finder {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
        laps(runs, || self.one_forward().map(|_| ()))
    }
}

/// A frame as the camera gives it to what sees.
pub(crate) struct Frame(Image);

/// From the camera's bytes to what [`Eyes::see`] takes.
pub(crate) fn decode(jpeg: &[u8]) -> Result<Frame, Failure> {
    Ok(Frame(Image::decode("a frame of the sequence", jpeg)?))
}

/// All that is done for a frame before its template is looked for.
pub(crate) struct Eyes(Vision);

impl Eyes {
    pub(crate) fn load(models: &Path) -> Result<Self, Failure> {
        Ok(Self(Vision::load(models, &Threads::start(1)?)?))
    }

    pub(crate) fn see(&mut self, captured: Monotonic, frame: &Frame) -> Result<Observation<'_>, Failure> {
        Ok(self.0.observe(captured, &frame.0)?)
    }
}
