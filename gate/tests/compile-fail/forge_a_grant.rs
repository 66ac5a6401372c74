//! Only `gate::commit` makes a grant.

fn main() {
    let record = gate::RecordId { run: [0; 16], seq: 0 };
    let _ = gate::Grant { door: gate::DoorId(0), record, expires: gate::Monotonic::from_micros(u64::MAX) };
}
