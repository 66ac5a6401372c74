//! A card that is bound where it lies: what the door would look up of it is read the way the door reads it.

use std::{error::Error, path::Path, time::Duration};

use boards::{Board, PcscReader, trusted_authorities};
use card::{Kind, identify, tap};

use crate::{clock, front::KindText};

/// How long somebody at the counter may look for the card.
const LAID_WITHIN: Duration = Duration::from_secs(30);

/// Waits for a card on the first reader of the board, and reads by what it is known: the number of a facility's card, issuer
/// and serial number of a MyNumber card's certificate.
pub(super) fn laid(board: &Path) -> Result<(KindText, Vec<u8>), Box<dyn Error>> {
    let board = Board::load(board)?;
    let facts = board.card_readers.first().ok_or(
        "this board has no reader of chip cards; give it a section [[readers]] with kind = \"pcsc\", or type --hex",
    )?;
    let authorities = trusted_authorities(facts.authorities.as_deref())?;
    let mut reader = PcscReader::open(&facts.name)?;
    eprintln!("カードを置いてください\n  lay the card on the reader");
    let mut card = reader
        .card(LAID_WITHIN)?
        .ok_or("no card was laid down in time; begin again. At a kiosk that is at work its own reader takes the card")?;
    match identify(&mut card)? {
        Kind::Facility(number) => Ok((KindText::FacilityCard, number.bytes().to_vec())),
        Kind::MyNumber | Kind::Telephone => {
            let wall = clock::now(clock::system().as_ref()).wall;
            let claim = tap(&mut card, &authorities, wall)?;
            Ok((KindText::MyNumberCard, claim.holder.bytes().to_vec()))
        }
        other @ (Kind::OldResident | Kind::DriversLicence | Kind::Residence | Kind::Unknown) => {
            Err(format!("this card ({}) is not taken at the door either; use another one", other.name())
                .into())
        }
    }
}
