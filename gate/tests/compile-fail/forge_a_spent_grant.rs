//! A pulse can be answered for only by whoever spent its grant.

fn main() {
    let grant = gate::RecordId { run: [0; 16], seq: 0 };
    let _ = gate::Spent { grant }.pulsed(std::time::Duration::from_millis(500));
}
