//! Files and sizes of picture that must be refused, by name and before the first visitor.

use super::*;

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
    let whole = convolution(2, 2, 3, 1, &["result"]);
    for bytes in [&b"not a network"[..], b"", &whole[..whole.len() / 2], &whole[3..]] {
        assert!(network(bytes).is_err());
    }
}

#[test]
fn what_only_larger_networks_do_is_refused_at_load_with_its_node() {
    let large_filter_inside = convolution(6, 1, 3, 1, &["result"]);
    let mut slow_stride = convolution(6, 6, 3, 1, &["result"]);
    let (nodes, constants) = first_layer(8, 3);
    slow_stride.clone_from(&file(nodes, constants, &["first"]));
    let unpooled = file(
        vec![node(
            "MaxPool",
            &["picture"],
            "head",
            vec![integers("kernel_shape", &[2, 2]), integers("strides", &[2, 2])],
        )],
        vec![],
        &["head"],
    );
    for (bytes, named) in
        [(large_filter_inside, "the_filtered"), (slow_stride, "the_stemmed"), (unpooled, "the_head")]
    {
        let error = network(&bytes).unwrap_err();
        assert!(matches!(error, NetworkError::UnsupportedUse { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_network_of_one_size_refuses_another_and_goes_on() {
    let bytes = convolution(6, 6, 3, 1, &["result"]);
    let threads = Threads::start(1).unwrap();
    let mut network = Network::from_onnx("toy.onnx", &bytes, Some((12, 10)), &threads).unwrap();
    let before = run(&mut network, 12, 10);
    let error = network.run(10, 12, |_, _| {}).map(|_| ()).unwrap_err();
    assert!(matches!(error, NetworkError::WrongSize { expected: (12, 10), found: (10, 12), .. }), "{error}");
    assert_eq!(run(&mut network, 12, 10), before);
}

#[test]
fn a_picture_too_small_for_the_filters_is_an_error_that_names_the_node() {
    let mut toy = network(&convolution(6, 6, 7, 1, &["result"])).unwrap();
    let (nodes, constants) = first_layer(8, 1);
    let error = toy.run(0, 4, |_, _| {}).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("the_"), "{error}");
    let mut small = network(&file(nodes, constants, &["first"])).unwrap();
    assert!(small.run(0, 0, |_, _| {}).is_err());
}
