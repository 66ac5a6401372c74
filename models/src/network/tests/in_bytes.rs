//! What runs in bytes gives nearly what it gives in floats, and what must not run in bytes does not.
#![allow(clippy::unwrap_used)]

use super::*;

/// Depthwise and pointwise layers in turn, as an embedder has them.
fn separable(channels: i64) -> Vec<u8> {
    let (mut nodes, mut constants) = first_layer(channels, 1);
    let mut last = "first".to_owned();
    for layer in 0..4 {
        let name = |what: &str| format!("{what}_{layer}");
        let mut attributes = strides(1, 1);
        attributes.push(integer("group", channels));
        nodes.extend([
            node("Conv", &[&last, &name("around")], &name("seen"), attributes),
            node("PRelu", &[&name("seen"), "stem_slope"], &name("positive"), vec![]),
            node("Conv", &[&name("positive"), &name("mixed")], &name("result"), vec![]),
        ]);
        constants.extend([
            constant(&name("around"), &[channels, 1, 3, 3], 0.02 * layer as f32),
            constant(&name("mixed"), &[channels, channels, 1, 1], 0.01),
        ]);
        last = name("result");
    }
    file(nodes, constants, &[&last])
}

#[test]
fn in_bytes_a_network_gives_nearly_the_same_on_every_set_of_kernels() {
    for channels in [8, 20, 48] {
        let bytes = separable(channels);
        let mut floats = network(&bytes).unwrap();
        let expected = run(&mut floats, 33, 21);
        let pixels = picture(33, 21);
        let fill = |y: usize, row: &mut [f32]| row.copy_from_slice(&pixels[y * 33 * 3..][..33 * 3]);
        let ranges = floats.measure(33, 21, fill).unwrap();
        assert_eq!(ranges.iter().count(), 4, "one range for each depthwise convolution");
        for kernels in Kernels::available() {
            for threads in [1, 3] {
                let threads = Threads::start(threads).unwrap();
                let ranges = Some(ranges.clone());
                let mut rounded =
                    Network::with_kernels("toy.onnx", &bytes, None, ranges, &threads, kernels).unwrap();
                let found = run(&mut rounded, 33, 21);
                assert_eq!(rounded.is_in_bytes(), kernels.bytes.is_some(), "{}", kernels.name);
                let dot = |left: &[f32], right: &[f32]| {
                    left.iter()
                        .zip(right)
                        .map(|(left, right)| f64::from(*left) * f64::from(*right))
                        .sum::<f64>()
                };
                let (a, b) = (&found[0], &expected[0]);
                let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                assert!(cosine > 0.999, "{}: {channels} channels: {cosine}", kernels.name);
                assert!(schedule::is_sound(rounded.ready[0].program()));
            }
        }
    }
}

#[test]
fn without_ranges_nothing_is_in_bytes() {
    let bytes = separable(20);
    let threads = Threads::start(1).unwrap();
    let mut unknown = Network::in_bytes("toy.onnx", &bytes, None, Ranges::default(), &threads).unwrap();
    assert!(!unknown.is_in_bytes());
    assert_eq!(run(&mut unknown, 12, 12), run(&mut network(&bytes).unwrap(), 12, 12));
}

#[test]
fn a_value_that_more_than_one_step_reads_is_not_in_bytes() {
    let pixels = picture(17, 11);
    let fill = |y: usize, row: &mut [f32]| row.copy_from_slice(&pixels[y * 17 * 3..][..17 * 3]);
    let ranges = network(&branches(&["near"])).unwrap().measure(17, 11, fill).unwrap();
    assert_eq!(ranges.iter().count(), 0, "two convolutions read it");
    let (nodes, constants) = first_layer(16, 1);
    let mut attributes = strides(1, 1);
    attributes.push(integer("group", 16));
    let more = [
        node("Conv", &["first", "around"], "seen", attributes),
        node("Conv", &["seen", "mix"], "mixed", vec![]),
    ];
    let nodes: Vec<NodeProto> = nodes.into_iter().chain(more).collect();
    let constants: Vec<TensorProto> = constants
        .into_iter()
        .chain([constant("around", &[16, 1, 3, 3], 0.1), constant("mix", &[16, 16, 1, 1], 0.1)])
        .collect();
    let ranges = |outputs: &[&str]| {
        let bytes = file(nodes.clone(), constants.clone(), outputs);
        network(&bytes).unwrap().measure(17, 11, fill).unwrap().iter().count()
    };
    assert_eq!(
        (ranges(&["mixed"]), ranges(&["mixed", "seen"])),
        (1, 0),
        "an output of the network stays as it is"
    );
}
