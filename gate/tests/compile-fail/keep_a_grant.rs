//! A grant that was spent is gone.

fn twice(grant: gate::Grant, now: gate::Monotonic) {
    let _ = grant.spend(gate::DoorId(0), now);
    let _ = grant.spend(gate::DoorId(0), now);
}

fn main() {
    let _ = twice;
}
