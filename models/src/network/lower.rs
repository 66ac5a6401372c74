//! From the planned operators to the steps of a program: shapes are computed, weights are packed in the order in which the
//! kernels read them, and what needs no work of its own (layouts, shapes, sums with a convolution's result) disappears.

mod slots;

use candle_core::Tensor;

use super::NetworkError;
use super::bytes::{self, ByteConvolution, Ranges};
use super::convolution;
use super::memory;
use super::merge::{self, Siblings};
use super::onnx::Value;
use super::operators::Operator;
use super::plan::Plan;
use super::program::{Buffer, Convolution, Output, Picture, Program, Shape, Source, Step, Work};
use super::schedule;
use super::view::{Order, View};
use crate::kernels::{Affine, Block, Kernels, LANES};

/// Colours of a pixel.
const COLOURS: usize = 3;

/// Makes the program for pictures of `width` x `height` pixels; with `ranges`, some of it in bytes.
pub(crate) fn lower(
    network: &str,
    plan: &Plan,
    width: usize,
    height: usize,
    ranges: Option<&Ranges>,
    kernels: &Kernels,
) -> Result<Program, NetworkError> {
    let mut lowering = Lowering {
        plan,
        kernels,
        places: plan.slots.iter().map(|slot| slot.clone().map(Place::Constant)).collect(),
        picture: Picture { width, height, border: 0, scale: [1.0; 3], shift: [0.0; 3] },
        picture_read: false,
        shapes: Vec::new(),
        steps: Vec::new(),
        node: String::new(),
        done: vec![false; plan.steps.len()],
    };
    lowering.places[plan.input] = Some(Place::Picture);
    for index in 0..plan.steps.len() {
        if !lowering.done[index] {
            lowering.step(index).map_err(|reason| NetworkError::UnsupportedUse {
                network: network.to_owned(),
                operator: plan.steps[index].kind.clone(),
                node: plan.steps[index].node.clone(),
                reason: format!("{reason} (for a picture of {width} x {height})"),
            })?;
        }
    }
    let outputs = plan
        .outputs
        .iter()
        .map(|(name, slot)| {
            lowering.output(*slot).ok_or_else(|| NetworkError::UnsupportedUse {
                network: network.to_owned(),
                operator: "output".to_owned(),
                node: name.clone(),
                reason: "it is no map of numbers that the network computes".to_owned(),
            })
        })
        .collect::<Result<Vec<Output>, NetworkError>>()?;
    Ok(lowering.finish(outputs, ranges))
}

/// What a slot of the plan holds while lowering.
#[derive(Clone)]
enum Place {
    Picture,
    Map(View),
    /// A map of which each pixel counts for `factor` x `factor`, until something is added to it.
    Enlarged {
        map: View,
        factor: usize,
    },
    Constant(Value),
}

struct Lowering<'a> {
    plan: &'a Plan,
    kernels: &'a Kernels,
    places: Vec<Option<Place>>,
    picture: Picture,
    /// Whether a convolution has read the picture: its border and scale are settled then.
    picture_read: bool,
    shapes: Vec<Shape>,
    steps: Vec<Step>,
    /// The name of the node that is being lowered.
    node: String,
    /// Planned steps that were merged into an earlier one.
    done: Vec<bool>,
}

type Lowered<T> = Result<T, String>;

impl Lowering<'_> {
    /// Lowers one planned operator.
    fn step(&mut self, index: usize) -> Lowered<()> {
        let (plan, step) = (self.plan, &self.plan.steps[index]);
        self.node.clone_from(&step.node);
        let place = match &step.operator {
            Operator::Convolution { weights, stride, padding, epilogue } => {
                let (source, shape) = self.source(step.inputs[0])?;
                if source != Source::Picture {
                    return Err("filters larger than 1 x 1 are supported on the picture only".to_owned());
                }
                self.frame_picture(*padding)?;
                let layer = convolution::of_picture(weights, *stride, epilogue, self.kernels)?;
                let size = |side: usize| -> Lowered<usize> {
                    let room = (side + 2 * padding).checked_sub(layer.kernel);
                    room.map(|room| room / stride + 1).ok_or_else(|| "the picture is too small".to_owned())
                };
                let shape = Shape {
                    channels: epilogue.bias.len(),
                    height: size(shape.height)?,
                    width: size(shape.width)?,
                };
                Place::Map(self.emit(Work::Convolution(layer), source, None, shape))
            }
            Operator::Pointwise { weights, epilogue } => match self.source(step.inputs[0])? {
                (Source::Picture, shape) => {
                    self.frame_picture(0)?;
                    let layer = convolution::of_picture(weights, 1, epilogue, self.kernels)?;
                    let shape = Shape { channels: epilogue.bias.len(), ..shape };
                    Place::Map(self.emit(Work::Convolution(layer), Source::Picture, None, shape))
                }
                (Source::Buffer(_), _) => return self.pointwise(index),
            },
            Operator::Depthwise(_) => return self.depthwise(index),
            Operator::MaxPool { size } => {
                let map = self.map(step.inputs[0])?;
                if *size != 2 {
                    return Err(format!("squares of {size}, only 2 is supported"));
                }
                let shape = Shape { height: map.shape.height / 2, width: map.shape.width / 2, ..map.shape };
                Place::Map(self.emit(Work::MaxPool, Source::Buffer(map.buffer), None, shape))
            }
            Operator::Upsample { factor } => {
                Place::Enlarged { map: self.map(step.inputs[0])?, factor: *factor }
            }
            Operator::GlobalAveragePool => {
                let map = self.map(step.inputs[0])?;
                let shape = Shape { height: 1, width: 1, ..map.shape };
                Place::Map(self.emit(Work::Mean, Source::Buffer(map.buffer), None, shape))
            }
            Operator::Activation(slope) => {
                let channels = self.whole(step.inputs[0])?.shape.channels;
                self.affine(index, &vec![1.0; channels], &vec![0.0; channels], slope)?
            }
            Operator::Affine { scale, shift } => self.affine(index, scale, shift, &[1.0])?,
            Operator::Sigmoid => {
                let map = self.view(step.inputs[0])?;
                if merge::is_written_down(plan, step.output) && !map.logistic {
                    Place::Map(View { logistic: true, ..map })
                } else {
                    let map = self.whole(step.inputs[0])?;
                    let made = self.emit(Work::Sigmoid, Source::Buffer(map.buffer), None, map.shape);
                    Place::Map(View { order: map.order, ..made })
                }
            }
            Operator::Linear { weights, bias } => self.linear(index, weights, bias.as_ref())?,
            Operator::Add => self.add(index)?,
            Operator::Subtract => self.picture_arithmetic(index, |shift, _, constant| *shift -= constant)?,
            Operator::Multiply => self.multiply(index)?,
            Operator::Transpose(order) => {
                let map = self.view(step.inputs[0])?;
                if map.order != Order::Map || order != &[0, 2, 3, 1] {
                    return Err(format!("order {order:?} is not supported"));
                }
                Place::Map(View { order: Order::Cells, ..map })
            }
            Operator::Flatten => self.reshape(step.inputs[0], &[0, -1])?,
            Operator::Reshape => {
                let target = self.numbers(step.inputs[1])?;
                self.reshape(step.inputs[0], &target)?
            }
            Operator::Shape => Place::Constant(Value::Integers(self.view(step.inputs[0])?.dimensions())),
            Operator::Gather | Operator::Unsqueeze | Operator::Concatenate => {
                let inputs: Lowered<Vec<Value>> =
                    step.inputs.iter().map(|slot| self.numbers(*slot).map(Value::Integers)).collect();
                Place::Constant(step.operator.run_on_numbers(&inputs?).ok_or("an index outside the list")?)
            }
            Operator::Constant(value) => Place::Constant(value.clone()),
            Operator::Identity => self.place(step.inputs[0])?.clone(),
        };
        self.places[plan.steps[index].output] = Some(place);
        Ok(())
    }

    /// A pointwise convolution of a map, with its small siblings where it has some.
    fn pointwise(&mut self, index: usize) -> Lowered<()> {
        let map = self.whole(self.plan.steps[index].inputs[0])?;
        let siblings = merge::pointwise(self.plan, index);
        let layer = convolution::of_map(&siblings, map.shape, self.kernels)?;
        let shape = Shape { channels: siblings.channels(), ..map.shape };
        let made = self.emit(Work::Convolution(layer), Source::Buffer(map.buffer), None, shape);
        self.share_out(&siblings, made);
        Ok(())
    }

    /// A depthwise convolution, with those of the other channels of its buffer.
    fn depthwise(&mut self, index: usize) -> Lowered<()> {
        let map = self.view(self.plan.steps[index].inputs[0])?;
        let inputs: Vec<Option<View>> = (0..self.plan.steps.len())
            .map(|step| match self.places[*self.plan.steps[step].inputs.first()?].as_ref() {
                Some(Place::Map(view)) if !self.done[step] && step >= index => Some(*view),
                _ => None,
            })
            .collect();
        let siblings = merge::depthwise(self.plan, index, &inputs);
        if map.first != 0 && siblings.steps.len() == 1 {
            return Err("channels in the middle of a map".to_owned());
        }
        let stored = self.shapes[map.buffer];
        let (layer, shape) = convolution::depthwise(&siblings, stored)?;
        let made = self.emit(Work::Depthwise(layer), Source::Buffer(map.buffer), None, shape);
        self.share_out(&siblings, made);
        Ok(())
    }

    /// Gives every sibling its channels of what was made for all.
    fn share_out(&mut self, siblings: &Siblings<'_>, made: View) {
        for sibling in &siblings.steps {
            let shape = Shape { channels: sibling.channels, ..made.shape };
            let view = View { first: sibling.first, shape, ..made };
            self.places[self.plan.steps[sibling.step].output] = Some(Place::Map(view));
            self.done[sibling.step] = true;
        }
    }

    /// A rule for each channel of a map.
    fn affine(&mut self, index: usize, scale: &[f32], shift: &[f32], slope: &[f32]) -> Lowered<Place> {
        let map = self.whole(self.plan.steps[index].inputs[0])?;
        if map.order == Order::Flat && map.shape.pixels() != 1 {
            return Err("normalisation of a flattened map".to_owned());
        }
        if scale.len() != map.shape.channels || !(slope.len() == 1 || slope.len() == scale.len()) {
            return Err(format!("{} factors for {} channels", scale.len(), map.shape.channels));
        }
        let slope_less_one: Vec<f32> =
            (0..scale.len()).map(|channel| slope[channel.min(slope.len() - 1)] - 1.0).collect();
        let (scale, shift) = (convolution::blocks(scale), convolution::blocks(shift));
        let rules = scale.into_iter().zip(shift).zip(convolution::blocks(&slope_less_one));
        let rules = rules.map(|((scale, shift), slope_less_one)| Affine { scale, shift, slope_less_one });
        let work = Work::Affine(rules.collect());
        let made = self.emit(work, Source::Buffer(map.buffer), None, map.shape);
        Ok(Place::Map(View { order: map.order, ..made }))
    }

    /// A fully connected layer, its weights in the order in which the blocks lie.
    fn linear(&mut self, index: usize, weights: &Tensor, bias: Option<&Tensor>) -> Lowered<Place> {
        let map = self.whole(self.plan.steps[index].inputs[0])?;
        if map.order != Order::Flat {
            return Err("a map that was not flattened".to_owned());
        }
        let (weights, outputs) = convolution::linear(weights, map.shape)?;
        let bias: Vec<f32> = match bias {
            Some(bias) => {
                bias.flatten_all().and_then(|bias| bias.to_vec1()).map_err(|error| error.to_string())?
            }
            None => vec![0.0; outputs],
        };
        if bias.len() != outputs {
            return Err(format!("{} biases for {outputs} outputs", bias.len()));
        }
        let shape = Shape { channels: outputs, height: 1, width: 1 };
        let work = Work::Linear { weights, bias };
        let made = self.emit(work, Source::Buffer(map.buffer), None, shape);
        Ok(Place::Map(View { order: Order::Flat, ..made }))
    }

    /// A sum: within the convolution that makes one of its parts, if nobody else reads that, else a step of its own.
    fn add(&mut self, index: usize) -> Lowered<Place> {
        let slots = &self.plan.steps[index].inputs;
        let (left, right) = (self.place(slots[0])?.clone(), self.place(slots[1])?.clone());
        let (map, coarse, factor) = match (left, right) {
            (Place::Map(map), Place::Enlarged { map: coarse, factor })
            | (Place::Enlarged { map: coarse, factor }, Place::Map(map)) => (map, coarse, factor),
            (Place::Map(left), Place::Map(right)) => {
                for (slot, made, other) in [(slots[0], left, right), (slots[1], right, left)] {
                    if self.plan.only_a_convolution_and_a_reader(slot)
                        && self.added_to_its_convolution(made, other)
                    {
                        return Ok(Place::Map(made));
                    }
                }
                (left, right, 1)
            }
            _ => return Err("only maps can be added".to_owned()),
        };
        let fits = Shape {
            height: coarse.shape.height * factor,
            width: coarse.shape.width * factor,
            ..coarse.shape
        };
        if map.shape != fits || map.first != 0 || coarse.first != 0 || map.order != Order::Map {
            return Err(format!("{:?} and {fits:?} differ", map.shape));
        }
        let work = Work::Add { factor };
        Ok(Place::Map(self.emit(work, Source::Buffer(map.buffer), Some(coarse.buffer), map.shape)))
    }

    /// Has the convolution that makes `made` add `other`, if there is one and `other` is there before it.
    fn added_to_its_convolution(&mut self, made: View, other: View) -> bool {
        let maker = |buffer: Buffer| self.steps.iter().position(|step| step.output == buffer);
        let (Some(convolution), Some(before)) = (maker(made.buffer), maker(other.buffer)) else {
            return false;
        };
        let same = made.shape == other.shape && made.order == Order::Map && other.order == Order::Map;
        let whole = made.first == 0 && self.shapes[made.buffer] == made.shape && other.first == 0;
        let step = &mut self.steps[convolution];
        let free = matches!(step.work, Work::Convolution(_)) && step.second.is_none();
        if before < convolution && same && whole && free {
            step.second = Some(other.buffer);
            return true;
        }
        false
    }

    fn multiply(&mut self, index: usize) -> Lowered<Place> {
        let slots = &self.plan.steps[index].inputs;
        let (left, right) = (self.place(slots[0])?.clone(), self.place(slots[1])?.clone());
        let (map, factor) = match (left, right) {
            (Place::Picture, Place::Constant(_)) => {
                return self.picture_arithmetic(index, |shift, scale, constant| {
                    *shift *= constant;
                    *scale *= constant;
                });
            }
            (Place::Map(map), Place::Map(factor)) if factor.shape.pixels() == 1 => (map, factor),
            (Place::Map(factor), Place::Map(map)) if factor.shape.pixels() == 1 => (map, factor),
            _ => return Err("only a map and one number for each channel can be multiplied".to_owned()),
        };
        if map.shape.channels != factor.shape.channels || map.first != 0 || factor.first != 0 {
            return Err(format!("{} factors for {} channels", factor.shape.channels, map.shape.channels));
        }
        Ok(Place::Map(self.emit(Work::Scale, Source::Buffer(map.buffer), Some(factor.buffer), map.shape)))
    }

    /// What a network does to the picture itself, before any convolution: one number for all colours.
    fn picture_arithmetic(
        &mut self,
        index: usize,
        change: impl Fn(&mut f32, &mut f32, f32),
    ) -> Lowered<Place> {
        let slots = &self.plan.steps[index].inputs;
        let constant = match (self.place(slots[0])?, self.place(slots[1])?) {
            (Place::Picture, Place::Constant(Value::Tensor(constant))) if constant.elem_count() == 1 => {
                constant
                    .flatten_all()
                    .and_then(|one| one.to_vec1::<f32>())
                    .map_err(|error| error.to_string())?[0]
            }
            _ => return Err("only the picture and one number are supported".to_owned()),
        };
        if self.picture_read {
            return Err("the picture is changed after it was read".to_owned());
        }
        for colour in 0..COLOURS {
            change(&mut self.picture.shift[colour], &mut self.picture.scale[colour], constant);
        }
        Ok(Place::Picture)
    }

    /// A reshape that leaves every number where it is.
    fn reshape(&self, slot: usize, target: &[i64]) -> Lowered<Place> {
        let map = self.view(slot)?;
        let reshaped = map.reshaped(target).map(Place::Map);
        reshaped.ok_or_else(|| format!("{:?} to {target:?} is not supported", map.dimensions()))
    }

    /// Settles the border of zeros around the picture.
    fn frame_picture(&mut self, padding: usize) -> Lowered<()> {
        if self.picture_read {
            return Err("a second layer that reads the picture".to_owned());
        }
        self.picture_read = true;
        self.picture.border = padding;
        Ok(())
    }

    /// Adds a step and the buffer that it fills.
    fn emit(&mut self, work: Work, input: Source, second: Option<Buffer>, shape: Shape) -> View {
        let output = self.shapes.len();
        self.shapes.push(shape);
        let node = self.node.clone();
        self.steps.push(Step { node, work, input, second, output });
        View { buffer: output, first: 0, shape, order: Order::Map, logistic: false }
    }

    fn finish(mut self, outputs: Vec<Output>, ranges: Option<&Ranges>) -> Program {
        let written: Vec<Buffer> = outputs.iter().map(|output| output.buffer).collect();
        let in_bytes = match ranges {
            Some(ranges) => bytes::quantise(&mut self.steps, &self.shapes, &written, ranges, self.kernels),
            None => vec![false; self.shapes.len()],
        };
        let (tasks, chains) = schedule::schedule(&self.steps, &self.shapes, &self.picture);
        let (kept, picture_kept) =
            schedule::rows_kept(&tasks, &self.steps, &self.shapes, &self.picture, &written);
        for step in &mut self.steps {
            let Source::Buffer(input) = step.input else { continue };
            // Floats or bytes from a block of channels to the next.
            let plane = kept[input] * self.shapes[input].width * LANES;
            let blocks = 0..self.shapes[input].blocks();
            if let Work::Convolution(Convolution { runs, .. }) | Work::Bytes(ByteConvolution { runs, .. }) =
                &mut step.work
            {
                *runs = blocks.map(|block| block * plane).collect();
            }
        }
        let mut lives = vec![None; self.shapes.len()];
        for (moment, chain) in chains.iter().enumerate() {
            for step in &self.steps[chain.clone()] {
                for buffer in step.reads().chain([step.output]) {
                    let first = lives[buffer]
                        .as_ref()
                        .map_or(moment, |life: &std::ops::RangeInclusive<usize>| *life.start());
                    lives[buffer] = Some(first..=moment);
                }
            }
        }
        for output in &outputs {
            let first = lives[output.buffer].as_ref().map_or(0, |life| *life.start());
            lives[output.buffer] = Some(first..=chains.len());
        }
        let size = |buffer: usize| {
            let pixels = self.shapes[buffer].blocks() * kept[buffer] * self.shapes[buffer].width;
            if in_bytes[buffer] { pixels.div_ceil(size_of::<Block>() / LANES) } else { pixels }
        };
        let sizes: Vec<usize> = (0..self.shapes.len()).map(size).collect();
        let (places, arena) = memory::place(&sizes, &lives);
        let Self { picture, steps, shapes, .. } = self;
        Program { picture, steps, shapes, kept, picture_kept, in_bytes, places, arena, tasks, outputs }
    }
}

/// A block's worth of zeros at the end of a list of one number for each channel.
pub(super) fn padded(values: &[f32]) -> impl Iterator<Item = Block> {
    values.chunks(LANES).map(|chunk| {
        let mut block = Block::ZERO;
        block.0[..chunk.len()].copy_from_slice(chunk);
        block
    })
}
