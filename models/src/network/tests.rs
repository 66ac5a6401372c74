//! The executor on small networks made here, against candle on the same plan.
#![allow(clippy::unwrap_used)]

mod in_bytes;
mod refusals;

use candle_core::{Device, Tensor};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};

use super::*;
use crate::kernels::Kernels;

fn integers(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        name: Some(format!("the_{output}")),
        op_type: Some(operator.to_owned()),
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..NodeProto::default()
    }
}

/// Values that differ from one another and repeat never.
fn constant(name: &str, dims: &[i64], first: f32) -> TensorProto {
    let count = dims.iter().product::<i64>();
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        float_data: (0..count).map(|index| first + (index as f32 * 0.37).sin() * 0.5).collect(),
        ..TensorProto::default()
    }
}

fn file(nodes: Vec<NodeProto>, constants: Vec<TensorProto>, outputs: &[&str]) -> Vec<u8> {
    let value = |name: &str| ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() };
    let graph = GraphProto {
        node: nodes,
        initializer: constants,
        input: vec![value("picture")],
        output: outputs.iter().map(|name| value(name)).collect(),
        ..GraphProto::default()
    };
    ModelProto { graph: Some(graph), ..ModelProto::default() }.write_buf().unwrap()
}

fn network(bytes: &[u8]) -> Result<Network, NetworkError> {
    Network::from_onnx("toy.onnx", bytes, None, &Threads::start(1).unwrap())
}

/// Pixel by pixel, three colours each.
fn picture(width: usize, height: usize) -> Vec<f32> {
    (0..3 * height * width).map(|index| (index as f32 * 0.11).cos()).collect()
}

fn run(network: &mut Network, width: usize, height: usize) -> Vec<Vec<f32>> {
    let picture = picture(width, height);
    network.run(width, height, |y, row| row.copy_from_slice(&picture[y * width * 3..][..width * 3])).unwrap();
    network.outputs.iter().map(|(_, values)| values.clone()).collect()
}

/// The same by candle.
fn reference(network: &Network, width: usize, height: usize) -> Vec<Vec<f32>> {
    let picture = Tensor::from_vec(picture(width, height), (1, height, width, 3), &Device::Cpu).unwrap();
    let input = picture.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    let outputs = reference::run(network.plan.as_ref().unwrap(), &input).unwrap();
    outputs.iter().map(|output| output.flatten_all().unwrap().to_vec1().unwrap()).collect()
}

fn largest_difference(left: &[Vec<f32>], right: &[Vec<f32>]) -> f32 {
    assert_eq!(left.len(), right.len());
    let differences = left.iter().zip(right).flat_map(|(left, right)| {
        assert_eq!(left.len(), right.len());
        left.iter().zip(right).map(|(left, right)| (left - right).abs())
    });
    differences.fold(
        0.0,
        |largest, difference| if difference > largest || difference.is_nan() { difference } else { largest },
    )
}

/// Every set of kernels, with one thread and with several, gives what candle gives, at each of these sizes.
fn check(bytes: &[u8], sizes: &[(usize, usize)]) {
    for kernels in Kernels::available() {
        for threads in [1, 3] {
            let threads = Threads::start(threads).unwrap();
            let mut network =
                Network::with_kernels("toy.onnx", bytes, None, None, &threads, kernels).unwrap();
            for (width, height) in sizes {
                let expected = reference(&network, *width, *height);
                let found = run(&mut network, *width, *height);
                let difference = largest_difference(&found, &expected);
                assert!(difference < 2e-5, "{}: {width} x {height}: {difference}", kernels.name);
                assert!(schedule::is_sound(network.ready[0].program()));
            }
        }
    }
}

fn strides(stride: i64, pad: i64) -> Vec<AttributeProto> {
    vec![integers("strides", &[stride, stride]), integers("pads", &[pad; 4])]
}

/// A first layer of 3 x 3, as every network here has one, to `channels` channels called `first`.
fn first_layer(channels: i64, stride: i64) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let nodes = vec![
        node("Conv", &["picture", "stem"], "stemmed", strides(stride, 1)),
        node("PRelu", &["stemmed", "stem_slope"], "first", vec![]),
    ];
    (
        nodes,
        vec![constant("stem", &[channels, 3, 3, 3], 0.05), constant("stem_slope", &[channels, 1, 1], 0.1)],
    )
}

/// Convolution, normalisation, activation after the first layer: `kernel` square, `groups` groups of the channels.
fn convolution(channels: i64, groups: i64, kernel: i64, stride: i64, outputs: &[&str]) -> Vec<u8> {
    let (mut nodes, mut constants) = first_layer(channels, 1);
    let mut attributes = strides(stride, kernel / 2);
    attributes.push(integer("group", groups));
    nodes.extend([
        node("Conv", &["first", "weights", "bias"], "filtered", attributes),
        node("BatchNormalization", &["filtered", "gamma", "beta", "mean", "variance"], "normal", vec![]),
        node("PRelu", &["normal", "slope"], "result", vec![]),
    ]);
    constants.extend([
        constant("weights", &[channels, channels / groups, kernel, kernel], 0.1),
        constant("bias", &[channels], -0.1),
        constant("gamma", &[channels], 1.5),
        constant("beta", &[channels], 0.3),
        constant("mean", &[channels], -0.2),
        constant("variance", &[channels], 2.0),
        constant("slope", &[channels, 1, 1], 0.2),
    ]);
    file(nodes, constants, outputs)
}

const SIZES: [(usize, usize); 5] = [(8, 8), (20, 12), (5, 7), (1, 1), (33, 47)];

#[test]
fn convolutions_give_what_candle_gives_at_every_size_and_on_every_set_of_kernels() {
    for channels in [1, 5, 16, 20, 35, 48] {
        for (groups, kernel, stride) in [(1, 1, 1), (channels, 3, 1), (channels, 3, 2)] {
            check(&convolution(channels, groups, kernel, stride, &["result"]), &SIZES);
        }
    }
    for stride in [1, 2] {
        check(&convolution(20, 10, 3, stride, &["result"]), &SIZES);
        let (nodes, constants) = first_layer(40, stride);
        check(&file(nodes, constants, &["first"]), &SIZES);
    }
    let global = convolution(20, 20, 7, 1, &["result"]);
    check(&global, &[(9, 8), (30, 3)]);
}

#[test]
fn folding_what_follows_a_convolution_changes_no_result() {
    for (groups, kernel, stride) in [(1, 1, 1), (6, 3, 1), (6, 3, 2)] {
        // Naming every value as an output keeps each node apart.
        let bytes = convolution(6, groups, kernel, stride, &["filtered", "normal", "result"]);
        let mut apart = network(&bytes).unwrap();
        let mut folded = network(&convolution(6, groups, kernel, stride, &["result"])).unwrap();
        let steps = |network: &Network| network.plan.as_ref().unwrap().steps.len();
        assert_eq!((steps(&apart), steps(&folded)), (4, 2));
        for (width, height) in SIZES {
            let expected = run(&mut apart, width, height).split_off(2);
            let found = run(&mut folded, width, height);
            assert!(largest_difference(&found, &expected) < 1e-5, "{groups} groups of {kernel} x {kernel}");
        }
    }
}

/// Everything else that the shipped networks do: pools, sums, enlarged maps, squeeze and excitation, heads, a fully
/// connected layer; maps large enough to be cut into bands.
fn everything(side: i64) -> Vec<u8> {
    let (mut nodes, mut constants) = first_layer(24, 2);
    let depthwise = |channels: i64| {
        let mut attributes = strides(1, 1);
        attributes.push(integer("group", channels));
        attributes
    };
    nodes.insert(0, node("Sub", &["picture", "middle"], "centred", vec![]));
    nodes.insert(1, node("Mul", &["centred", "unit"], "scaled", vec![]));
    nodes[2].input[0] = "scaled".into();
    let order = || vec![integers("perm", &[0, 2, 3, 1])];
    let pool = || vec![integers("kernel_shape", &[2, 2]), integers("strides", &[2, 2])];
    let text = |name: &str, value: &str| AttributeProto {
        name: Some(name.into()),
        s: Some(value.to_owned()),
        r#type: Some(AttributeType::STRING),
        ..AttributeProto::default()
    };
    let resize = vec![
        text("mode", "nearest"),
        text("nearest_mode", "floor"),
        text("coordinate_transformation_mode", "asymmetric"),
    ];
    nodes.extend([
        node("Conv", &["first", "wide"], "expanded", vec![]),
        node("Conv", &["expanded", "around", "around_bias"], "seen", depthwise(40)),
        node("Relu", &["seen"], "seen_positive", vec![]),
        node("Conv", &["seen_positive", "narrow"], "projected", vec![]),
        node("Add", &["projected", "first"], "sum", vec![]),
        node("MaxPool", &["sum"], "half", pool()),
        node("Conv", &["half", "square"], "deep", vec![]),
        node("MaxPool", &["deep"], "quarter", pool()),
        node("Resize", &["quarter", "", "twice"], "enlarged", resize),
        node("Add", &["half", "enlarged"], "pyramid", vec![]),
        node("GlobalAveragePool", &["pyramid"], "mean", vec![]),
        node("Conv", &["mean", "square"], "excited", vec![]),
        node("Sigmoid", &["excited"], "gate", vec![]),
        node("Mul", &["pyramid", "gate"], "gated", vec![]),
        node("BatchNormalization", &["gated", "gamma", "beta", "mu", "variance"], "normal", vec![]),
        node("Conv", &["normal", "head_one"], "one", vec![]),
        node("Conv", &["one", "one_around"], "one_seen", depthwise(1)),
        node("Conv", &["normal", "head_four"], "four", vec![]),
        node("Conv", &["four", "four_around"], "four_seen", depthwise(4)),
        node("Transpose", &["one_seen"], "one_cells", order()),
        node("Reshape", &["one_cells", "list_one"], "one_list", vec![]),
        node("Sigmoid", &["one_list"], "score", vec![]),
        node("Transpose", &["four_seen"], "four_cells", order()),
        node("Reshape", &["four_cells", "list_four"], "boxes", vec![]),
        node("Flatten", &["quarter"], "flat", vec![]),
        node("Gemm", &["flat", "full", "full_bias"], "template", vec![integer("transB", 1)]),
    ]);
    let list = |name: &str, values: &[i64]| TensorProto {
        name: Some(name.into()),
        dims: vec![values.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    };
    let mut twice = constant("twice", &[4], 0.0);
    twice.float_data = vec![1.0, 1.0, 2.0, 2.0];
    let quarter = side / 8;
    // Small weights: the sum of so many products is no larger than the other outputs.
    let mut full = constant("full", &[6, 24 * quarter * quarter], 0.0);
    full.float_data.iter_mut().for_each(|weight| *weight /= (quarter * quarter) as f32);
    constants.extend([
        twice,
        constant("middle", &[1], 0.3),
        constant("unit", &[1], 0.8),
        constant("wide", &[40, 24, 1, 1], 0.02),
        constant("around", &[40, 1, 3, 3], 0.1),
        constant("around_bias", &[40], 0.1),
        constant("narrow", &[24, 40, 1, 1], -0.01),
        constant("square", &[24, 24, 1, 1], 0.01),
        constant("gamma", &[24], 0.8),
        constant("beta", &[24], 0.1),
        constant("mu", &[24], 0.2),
        constant("variance", &[24], 3.0),
        constant("head_one", &[1, 24, 1, 1], 0.02),
        constant("one_around", &[1, 1, 3, 3], 0.1),
        constant("head_four", &[4, 24, 1, 1], -0.02),
        constant("four_around", &[4, 1, 3, 3], 0.05),
        list("list_one", &[1, -1, 1]),
        list("list_four", &[1, -1, 4]),
        full,
        constant("full_bias", &[6], 0.5),
    ]);
    file(nodes, constants, &["score", "boxes", "template", "sum"])
}

#[test]
fn whole_networks_give_what_candle_gives() {
    for side in [16, 64, 192] {
        let bytes = everything(side);
        for kernels in Kernels::available() {
            for threads in [1, 2] {
                let threads = Threads::start(threads).unwrap();
                let side = side as usize;
                let mut network = Network::with_kernels("toy.onnx", &bytes, None, None, &threads, kernels);
                // The file states no size, and its fully connected layer fits one only.
                if side != 64 {
                    assert!(network.is_err());
                    network = with_plan(&bytes, &threads, kernels);
                }
                let mut network = network.unwrap();
                let expected = reference(&network, side, side);
                let found = run(&mut network, side, side);
                for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let scale = expected.iter().fold(1f32, |scale, value| scale.max(value.abs()));
                    let difference =
                        largest_difference(std::slice::from_ref(found), std::slice::from_ref(expected));
                    assert!(
                        difference < 2e-5 * scale,
                        "{}: {side}: output {index}: {difference}",
                        kernels.name
                    );
                }
                let program = network.ready[0].program();
                assert!(schedule::is_sound(program));
                let merged =
                    program.steps.iter().filter(|step| matches!(step.work, program::Work::Depthwise(_)));
                assert_eq!(merged.count(), 2, "the two heads are one");
                assert!(
                    program.steps.iter().any(|step| {
                        matches!(step.work, program::Work::Convolution(_)) && step.second.is_some()
                    }),
                    "a sum is made where its part is made"
                );
                assert_eq!(
                    side == 192,
                    program.tasks.len() > program.steps.len() + 1,
                    "large maps are cut into bands"
                );
            }
        }
    }
}

/// A network that was not tried at load.
fn with_plan(bytes: &[u8], threads: &Threads, kernels: &'static Kernels) -> Result<Network, NetworkError> {
    let plan = plan::plan(&Graph::parse("toy.onnx", bytes)?)?;
    let outputs = plan.outputs.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
    let (threads, ready) = (threads.clone(), Vec::new());
    Ok(Network { name: "toy.onnx".into(), threads, kernels, ranges: None, plan: Some(plan), ready, outputs })
}

#[test]
fn several_threads_and_sizes_in_turn_give_the_same_result_as_one() {
    let bytes = convolution(20, 20, 3, 2, &["result"]);
    let mut many = Network::from_onnx("toy.onnx", &bytes, None, &Threads::start(4).unwrap()).unwrap();
    let mut one = network(&bytes).unwrap();
    for (width, height) in [(33, 47), (8, 8), (33, 47), (5, 7), (20, 20), (9, 9), (33, 47)] {
        assert_eq!(run(&mut many, width, height), run(&mut one, width, height));
    }
    assert!(one.ready.len() <= SIZES_KEPT);
}

#[test]
fn what_is_not_a_number_in_the_picture_reaches_the_result() {
    for kernels in Kernels::available() {
        let bytes = convolution(6, 1, 1, 1, &["result"]);
        let threads = Threads::start(1).unwrap();
        let mut network = Network::with_kernels("toy.onnx", &bytes, None, None, &threads, kernels).unwrap();
        let outputs = network.run(4, 4, |_, row| row.fill(f32::NAN)).unwrap();
        assert!(outputs.first().unwrap().iter().all(|value| value.is_nan()), "{}", kernels.name);
    }
}

#[test]
fn as_one_operator_of_candle_a_network_gives_the_same() {
    let bytes = convolution(20, 20, 3, 1, &["result"]);
    let mut network = network(&bytes).unwrap();
    let expected = run(&mut network, 14, 9).remove(0);
    let input =
        Tensor::from_vec(picture(14, 9), (1, 9, 14, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap();
    let operator = network.into_custom();
    let found = operator.run(&input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(found, expected);
    let wrong = Tensor::zeros((1, 2, 9, 14), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(operator.run(&wrong).is_err());
}

/// Values that several steps read, sums of branches, and heads that cannot be computed together.
fn branches(outputs: &[&str]) -> Vec<u8> {
    let (mut nodes, mut constants) = first_layer(20, 1);
    let around = |channels: i64, size: i64| {
        let mut attributes = strides(1, size / 2);
        attributes.push(integer("group", channels));
        attributes
    };
    nodes.extend([
        node("Conv", &["first", "around"], "seen", around(20, 3)),
        node("Conv", &["seen", "left"], "one", vec![]),
        node("Conv", &["seen", "right"], "two", vec![]),
        node("Add", &["one", "two"], "sum", vec![]),
        node("Conv", &["sum", "left"], "three", vec![]),
        node("Add", &["three", "sum"], "total", vec![]),
        node("Dropout", &["three"], "passed", vec![]),
        node("Add", &["passed", "sum"], "again", vec![]),
        node("Add", &["again", "total"], "end", vec![]),
        node("Conv", &["end", "head_one"], "small", vec![]),
        node("Conv", &["small", "small_around"], "near", around(2, 3)),
        node("Conv", &["end", "head_two"], "tiny", vec![]),
        node("Conv", &["tiny", "tiny_around"], "wide", around(3, 5)),
    ]);
    constants.extend([
        constant("around", &[20, 1, 3, 3], 0.02),
        constant("left", &[20, 20, 1, 1], 0.01),
        constant("right", &[20, 20, 1, 1], -0.02),
        constant("head_one", &[2, 20, 1, 1], 0.03),
        constant("small_around", &[2, 1, 3, 3], 0.1),
        constant("head_two", &[3, 20, 1, 1], -0.03),
        constant("tiny_around", &[3, 1, 5, 5], 0.05),
    ]);
    file(nodes, constants, outputs)
}

#[test]
fn what_several_steps_read_is_neither_merged_nor_added_too_early() {
    for outputs in [&["near", "wide"][..], &["near", "wide", "one", "three"]] {
        for kernels in Kernels::available() {
            let threads = Threads::start(1).unwrap();
            let mut network =
                Network::with_kernels("toy.onnx", &branches(outputs), None, None, &threads, kernels).unwrap();
            let (found, expected) = (run(&mut network, 17, 11), reference(&network, 17, 11));
            let scale = expected.iter().flatten().fold(1f32, |scale, value| scale.max(value.abs()));
            assert!(largest_difference(&found, &expected) < 1e-5 * scale, "{}", kernels.name);
        }
    }
}
