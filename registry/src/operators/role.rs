//! Roles, and what each may do. [`TABLE`] is the whole of it; nothing else grants anything.

use serde::{Deserialize, Serialize};

/// What an operator is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// Sees how things stand: counts and lists without names.
    Reader,
    /// Receives people: registers them and their households, and looks them up.
    Reception,
    /// Runs a facility: also its devices, withdrawals, and the texts that people agree to.
    Manager,
    /// Looks at what the others did.
    Auditor,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum May {
    /// See status, counts, facilities, the versions of texts: nothing about one person.
    SeeStatus,
    /// Register people and households, give passes and consents, change what is registered.
    Register,
    /// Look a person up, and export what is held.
    ReadPeople,
    /// See people under protection, and end a protection.
    SeeProtected,
    /// Compare two enrolees and say that they are one person, or are not.
    JudgeDuplicates,
    /// Withdraw a consent: the person is erased everywhere.
    Withdraw,
    /// Make vouchers, list and expel devices.
    Devices,
    /// Add facilities and texts to agree to.
    Arrange,
    /// Read who looked whom up.
    SeeAccesses,
    /// Export the records of devices.
    ExportAudit,
}

/// Role -> what it may.
const TABLE: [(Role, &[May]); 4] = [
    (Role::Reader, &[May::SeeStatus]),
    (Role::Reception, &[May::SeeStatus, May::Register, May::ReadPeople]),
    (
        Role::Manager,
        &[
            May::SeeStatus,
            May::Register,
            May::ReadPeople,
            May::SeeProtected,
            May::JudgeDuplicates,
            May::Withdraw,
            May::Devices,
            May::Arrange,
        ],
    ),
    (Role::Auditor, &[May::SeeStatus, May::SeeAccesses, May::ExportAudit]),
];

impl Role {
    /// Everything that this role may.
    pub(crate) fn grants(self) -> &'static [May] {
        TABLE.iter().find(|(role, _)| *role == self).map_or(&[], |(_, may)| may)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [May; 10] = [
        May::SeeStatus,
        May::Register,
        May::ReadPeople,
        May::SeeProtected,
        May::JudgeDuplicates,
        May::Withdraw,
        May::Devices,
        May::Arrange,
        May::SeeAccesses,
        May::ExportAudit,
    ];

    fn check(role: Role, denied: &[May]) {
        let not = ALL.iter().filter(|may| !role.grants().contains(may));
        assert_eq!(not.copied().collect::<Vec<_>>(), denied, "{role:?}");
    }

    #[test]
    fn a_reader_sees_no_person_and_changes_nothing() {
        check(Role::Reader, &ALL[1..]);
    }

    #[test]
    fn reception_neither_withdraws_nor_touches_devices_nor_reads_the_audit() {
        check(Role::Reception, &ALL[3..]);
    }

    #[test]
    fn a_manager_does_not_audit_and_an_auditor_does_not_manage() {
        check(Role::Manager, &[May::SeeAccesses, May::ExportAudit]);
        check(Role::Auditor, &ALL[1..8]);
    }
}
