//! The executor on small networks made here, and on files that it must refuse.
#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};

use super::*;

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
    Network::from_onnx("toy.onnx", bytes, &Threads::start(1).unwrap())
}

fn picture(height: usize, width: usize) -> Tensor {
    let values: Vec<f32> = (0..2 * height * width).map(|index| (index as f32 * 0.11).cos()).collect();
    Tensor::from_vec(values, (1, 2, height, width), &Device::Cpu).unwrap()
}

/// Convolution, normalisation, activation: `kernel` square, `groups` groups of the two channels.
fn convolution(groups: i64, kernel: i64, stride: i64, outputs: &[&str]) -> Vec<u8> {
    let attributes = vec![
        integer("group", groups),
        integers("strides", &[stride, stride]),
        integers("pads", &[kernel / 2; 4]),
    ];
    let nodes = vec![
        node("Conv", &["picture", "weights", "bias"], "filtered", attributes),
        node("BatchNormalization", &["filtered", "gamma", "beta", "mean", "variance"], "normal", vec![]),
        node("PRelu", &["normal", "slope"], "result", vec![]),
    ];
    let constants = vec![
        constant("weights", &[2, 2 / groups, kernel, kernel], 0.1),
        constant("bias", &[2], -0.1),
        constant("gamma", &[2], 1.5),
        constant("beta", &[2], 0.3),
        constant("mean", &[2], -0.2),
        constant("variance", &[2], 2.0),
        constant("slope", &[2, 1, 1], 0.2),
    ];
    file(nodes, constants, outputs)
}

#[test]
fn folding_what_follows_a_convolution_changes_no_result() {
    for (groups, kernel, stride) in [(1, 1, 1), (2, 3, 1), (2, 3, 2), (1, 3, 2)] {
        // Naming every value as an output keeps each node apart.
        let apart = network(&convolution(groups, kernel, stride, &["filtered", "normal", "result"])).unwrap();
        let folded = network(&convolution(groups, kernel, stride, &["result"])).unwrap();
        assert_eq!((apart.plan.steps.len(), folded.plan.steps.len()), (3, 1));
        for (height, width) in [(8, 8), (12, 20), (7, 5)] {
            let expected = apart.run_reference(&picture(height, width)).unwrap().pop().unwrap().1;
            let found = folded.run_reference(&picture(height, width)).unwrap().pop().unwrap().1;
            let difference = (found - expected).unwrap().abs().unwrap().max_all().unwrap();
            assert!(difference.to_scalar::<f32>().unwrap() < 1e-5, "{groups} groups of {kernel} x {kernel}");
        }
    }
}

#[test]
fn an_unknown_operator_is_refused_with_its_name_and_its_node() {
    let error =
        network(&file(vec![node("Erf", &["picture"], "head", vec![])], vec![], &["head"])).unwrap_err();
    assert!(matches!(error, NetworkError::UnsupportedOperator { .. }));
    let message = error.to_string();
    assert!(
        message.contains("Erf") && message.contains("the_head") && message.contains("toy.onnx"),
        "{message}"
    );
}

#[test]
fn a_known_operator_used_in_an_unknown_way_is_refused() {
    let conv = |extra: AttributeProto| vec![node("Conv", &["picture", "weights"], "head", vec![extra])];
    let pool = |extra: AttributeProto| vec![node("MaxPool", &["picture"], "head", vec![extra])];
    for (nodes, word) in [
        (conv(integers("dilations", &[2, 2])), "dilations"),
        (conv(integer("surprise", 1)), "surprise"),
        (conv(integers("strides", &[1, 0])), "stride"),
        (conv(integers("pads", &[0, -1, 0, 0])), "pads"),
        (pool(integer("ceil_mode", 1)), "ceil_mode"),
        (pool(integers("kernel_shape", &[3, 3])), "kernel"),
        (vec![node("Concat", &["picture"], "head", vec![integer("axis", 1)])], "axis"),
        (vec![node("PRelu", &["picture", "picture"], "head", vec![])], "slope"),
    ] {
        let error =
            network(&file(nodes, vec![constant("weights", &[2, 2, 3, 3], 0.0)], &["head"])).unwrap_err();
        assert!(matches!(error, NetworkError::UnsupportedUse { .. }), "{error}");
        assert!(error.to_string().contains(word) && error.to_string().contains("the_head"), "{error}");
    }
}

#[test]
fn a_constant_that_is_not_as_large_as_it_claims_is_refused() {
    for dims in [vec![3, 3], vec![-1], vec![i64::MAX, i64::MAX], vec![1 << 40]] {
        let mut wrong = constant("weights", &[2], 0.0);
        wrong.dims = dims;
        let error = network(&file(vec![], vec![wrong], &[])).unwrap_err();
        assert!(
            matches!(error, NetworkError::BadConstant { .. }) && error.to_string().contains("weights"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_no_network_is_refused_without_a_panic() {
    let whole = convolution(2, 3, 1, &["result"]);
    for bytes in [&b"not a network"[..], b"", &whole[..whole.len() / 2], &whole[3..]] {
        assert!(network(bytes).is_err());
    }
}

#[test]
fn a_picture_that_the_network_cannot_take_is_an_error_that_names_the_node() {
    let network = network(&convolution(2, 3, 1, &["result"])).unwrap();
    let three_channels = Tensor::zeros((1, 3, 8, 8), candle_core::DType::F32, &Device::Cpu).unwrap();
    let message = network.run_reference(&three_channels).unwrap_err().to_string();
    assert!(message.contains("the_filtered"), "{message}");
}

#[test]
fn several_threads_give_the_same_result_as_one() {
    let bytes = convolution(2, 3, 2, &["result"]);
    let many = Network::from_onnx("toy.onnx", &bytes, &Threads::start(4).unwrap()).unwrap();
    let one = network(&bytes).unwrap();
    let values = |network: &Network| {
        network.run_reference(&picture(33, 47)).unwrap()[0].1.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(&many), values(&one));
}
