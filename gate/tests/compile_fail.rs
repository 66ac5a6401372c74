//! What the compiler must refuse: a grant that was forged, copied or kept, and a decision made by hand.

#[test]
fn the_compiler_refuses_to_forge_clone_or_keep_a_grant() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
