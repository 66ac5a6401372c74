//! A grant is not `Clone`.

fn twice(grant: gate::Grant) -> (gate::Grant, gate::Grant) {
    (grant.clone(), grant)
}

fn main() {
    let _ = twice;
}
