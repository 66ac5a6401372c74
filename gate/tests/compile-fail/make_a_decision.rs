//! Only a session makes a decision, and nobody changes one.

fn reverse(mut decision: gate::Decision, person: gate::PersonId) {
    decision.outcome = gate::Outcome::Granted { person };
}

fn main() {
    let _ = reverse;
}
