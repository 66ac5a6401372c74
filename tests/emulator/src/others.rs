//! Cards that are no MyNumber card: a gate asks them for their identifier, or sees that they are nothing for it.

use crate::{
    emulator::{
        Command, NO_CLASS, NO_FILE_SELECTED, NO_INSTRUCTION, NOT_FOUND, NOT_PRESENTED, OUTSIDE, Outcome,
    },
    keys::drawn,
    plan::{Kind, Plan},
};

/// The applications of a residence card: 16 bytes each, alike but for the sixth.
const RESIDENCE: [u8; 3] = [0x02, 0x03, 0x04];

/// `FF CA 00 00 00`, which a reader answers: IDm, UID, or what a Type B card drew in this session.
pub(crate) fn identifier(plan: &Plan, session: u32, command: &Command) -> Outcome {
    if (command.p1, command.p2) != (0, 0) {
        return Err(0x6A81);
    }
    Ok(match plan.kind {
        Kind::Felica => drawn::<8>(plan.seed, "IDm", 0).to_vec(),
        Kind::Mifare => drawn::<4>(plan.seed, "UID", 0).to_vec(),
        Kind::MyNumber | Kind::Licence | Kind::Residence => drawn::<4>(plan.seed, "PUPI", session).to_vec(),
    })
}

pub(crate) fn outcome(plan: &Plan, file: &mut Option<u16>, command: &Command) -> Outcome {
    if command.class != 0 {
        return Err(NO_CLASS);
    }
    match (plan.kind, command.instruction) {
        (Kind::Felica | Kind::Mifare, 0xA4) => Err(NOT_FOUND),
        (Kind::Felica | Kind::Mifare, _) => Err(NO_CLASS),
        (Kind::Licence, 0xA4) => licence(file, command),
        (Kind::Licence, 0xB0) => {
            let bytes: &[u8] = match file {
                // Version 010, of the 1st of April 2024, until the 1st of April 2029.
                Some(0x2F01) => b"\x45\x0B010\x20\x24\x04\x01\x20\x29\x04\x01\x46\x00\x47\x00",
                Some(0x000A) => &[0x01, 0x01],
                Some(_) => return Err(NOT_PRESENTED),
                None => return Err(NO_FILE_SELECTED),
            };
            let rest = bytes.get(usize::from(command.p2)..).filter(|rest| !rest.is_empty()).ok_or(OUTSIDE)?;
            Ok(rest[..command.expected.unwrap_or(0).min(rest.len())].to_vec())
        }
        (Kind::Residence, 0xA4) => residence(command),
        (Kind::Residence, 0xB0) => Err(NOT_PRESENTED),
        (Kind::MyNumber | Kind::Licence | Kind::Residence, _) => Err(NO_INSTRUCTION),
    }
}

fn licence(file: &mut Option<u16>, command: &Command) -> Outcome {
    let id = match (command.p1, command.data) {
        (0x00, []) => None,
        (0x02, &[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => return Err(NOT_FOUND),
    };
    if id.is_some_and(|id| ![0x2F01, 0x000A, 0x0001].contains(&id)) {
        return Err(NOT_FOUND);
    }
    *file = id;
    Ok(Vec::new())
}

fn residence(command: &Command) -> Outcome {
    let master = command.p1 == 0 && command.data.is_empty();
    let known = |number: u8| {
        command.data.len() == 16 && command.data.starts_with(&[0xD3, 0x92, 0xF0, 0x00, 0x4F, number])
    };
    if master || (command.p1 == 0x04 && RESIDENCE.into_iter().any(known)) {
        Ok(Vec::new())
    } else {
        Err(NOT_FOUND)
    }
}
