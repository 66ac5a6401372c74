//! Who works here.

use gate::StaffId;

/// Who did something: a member of the staff, or whoever has the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// The command line of the machine.
    #[default]
    Console,
    /// A member of the staff, signed in.
    Staff(StaffId),
}

impl By {
    /// The id of the member of the staff, as tables hold it.
    pub(crate) fn bytes(self) -> Option<[u8; 16]> {
        match self {
            Self::Console => None,
            Self::Staff(staff) => Some(staff.0),
        }
    }
}
