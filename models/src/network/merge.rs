//! Small layers that read the same map, computed as one.
//!
//! A detector's heads are pairs of a pointwise and a depthwise convolution with 1, 1, 4 and 10 channels. Each alone would
//! fill a block of sixteen channels with mostly nothing; together they fill one.

use super::operators::{Depthwise, Operator};
use super::plan::Plan;
use super::view::View;
use crate::kernels::LANES;

/// Planned steps that become one.
pub(super) struct Siblings<'a> {
    pub(super) steps: Vec<Sibling<'a>>,
}

/// One of them and its channels among the others'.
pub(super) struct Sibling<'a> {
    /// Its number in the plan.
    pub(super) step: usize,
    pub(super) operator: &'a Operator,
    pub(super) first: usize,
    pub(super) channels: usize,
}

impl Siblings<'_> {
    /// Channels of all.
    pub(super) fn channels(&self) -> usize {
        self.steps.iter().map(|sibling| sibling.first + sibling.channels).max().unwrap_or(0)
    }
}

/// The pointwise convolution `index` and those that can be computed with it.
pub(super) fn pointwise(plan: &Plan, index: usize) -> Siblings<'_> {
    let input = plan.steps[index].inputs[0];
    let own = small_head(plan, index);
    let alike = |step: &usize| match (own, small_head(plan, *step)) {
        (Some(own), Some(other)) => {
            plan.steps[*step].inputs.first() == Some(&input) && own.same_geometry(other)
        }
        _ => false,
    };
    let others = (index + 1..plan.steps.len()).filter(alike);
    let mut steps = Vec::new();
    let mut first = 0;
    for step in std::iter::once(index).chain(others) {
        let operator = &plan.steps[step].operator;
        let Operator::Pointwise { epilogue, .. } = operator else { continue };
        let channels = epilogue.bias.len();
        if step == index || first + channels <= LANES {
            steps.push(Sibling { step, operator, first, channels });
            first += channels;
        }
    }
    Siblings { steps }
}

/// For a pointwise convolution with few channels, which only a depthwise one reads, whose result is only written down, as
/// it is or after the logistic function: that depthwise one.
fn small_head(plan: &Plan, step: usize) -> Option<&Depthwise> {
    let step = &plan.steps[step];
    let small = matches!(&step.operator, Operator::Pointwise { epilogue, .. } if epilogue.bias.len() < LANES);
    let reader = &plan.steps[plan.only_reader(step.output)?];
    let Operator::Depthwise(layer) = &reader.operator else { return None };
    (small && !layer.paired() && is_written_down(plan, reader.output)).then_some(layer)
}

/// Whether a value is only written down, as it is or after the logistic function.
pub(super) fn is_written_down(plan: &Plan, slot: usize) -> bool {
    plan.readers_of(slot).all(|reader| {
        let step = &plan.steps[reader];
        matches!(step.operator, Operator::Transpose(_) | Operator::Reshape | Operator::Sigmoid)
            && is_written_down(plan, step.output)
    })
}

/// The depthwise convolution `index` and those of the other channels of its buffer; `inputs` holds each step's first
/// input where it is known.
pub(super) fn depthwise<'a>(plan: &'a Plan, index: usize, inputs: &[Option<View>]) -> Siblings<'a> {
    let sibling = |step: usize| {
        let operator = &plan.steps[step].operator;
        let (Operator::Depthwise(layer), Some(view)) = (operator, inputs[step]) else { return None };
        Some((
            layer,
            Sibling { step, operator, first: view.first, channels: view.shape.channels },
            view.buffer,
        ))
    };
    let Some((layer, own, buffer)) = sibling(index) else { return Siblings { steps: Vec::new() } };
    let mut steps = vec![own];
    for step in index + 1..plan.steps.len() {
        let Some((other, sibling, its_buffer)) = sibling(step) else { continue };
        let apart = steps.iter().all(|known| {
            known.first + known.channels <= sibling.first || sibling.first + sibling.channels <= known.first
        });
        if its_buffer == buffer && apart && other.same_geometry(layer) {
            steps.push(sibling);
        }
    }
    Siblings { steps }
}
