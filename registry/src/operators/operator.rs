//! An operator: a name, and roles that count for the whole tenant or for named facilities.

use ledger::GroupId;

use super::{May, Role};

/// Characters of a name.
pub(crate) const MAX_NAME: usize = 64;

/// Where a role counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everywhere, and for what belongs to no facility.
    Tenant,
    /// In one facility.
    Facility(GroupId),
}

/// Who works with the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    /// The name at sign-in, and in the records of accesses.
    pub(crate) name: String,
    /// Roles, each with where it counts.
    pub(crate) grants: Vec<(Scope, Role)>,
}

impl Operator {
    /// Whoever has the registry's directory and works at its console, where every key lies open to them.
    pub(crate) fn console() -> Self {
        let all = [Role::Manager, Role::Auditor];
        Self { name: "console".to_owned(), grants: all.map(|role| (Scope::Tenant, role)).to_vec() }
    }

    /// Whether the operator may do this in the whole tenant.
    pub(crate) fn may_everywhere(&self, may: May) -> bool {
        self.grants.iter().any(|(scope, role)| *scope == Scope::Tenant && role.grants().contains(&may))
    }

    /// Whether the operator may do this in one facility.
    pub(crate) fn may_in(&self, may: May, facility: GroupId) -> bool {
        let counts = |scope: &Scope| match scope {
            Scope::Tenant => true,
            Scope::Facility(of) => *of == facility,
        };
        self.grants.iter().any(|(scope, role)| counts(scope) && role.grants().contains(&may))
    }

    /// Whether there is a facility where the operator may do this.
    pub(crate) fn may_somewhere(&self, may: May) -> bool {
        self.grants.iter().any(|(_, role)| role.grants().contains(&may))
    }
}

/// Whether a text can be an operator's name: it stands on a line of a list, and is no other's in disguise.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '_' | '@');
    (1..=MAX_NAME).contains(&name.chars().count()) && name.chars().all(plain) && name != "console"
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: GroupId = GroupId([1; 16]);
    const ELSEWHERE: GroupId = GroupId([2; 16]);

    fn operator(scope: Scope, role: Role) -> Operator {
        Operator { name: "mihon".into(), grants: vec![(scope, role)] }
    }

    #[test]
    fn a_role_of_one_facility_counts_in_no_other_and_not_for_the_tenant() {
        let hers = operator(Scope::Facility(HERE), Role::Manager);
        assert!(hers.may_in(May::Withdraw, HERE) && hers.may_somewhere(May::Withdraw));
        assert!(!hers.may_in(May::Withdraw, ELSEWHERE));
        assert!(!hers.may_everywhere(May::Withdraw));
        assert!(!hers.may_in(May::ExportAudit, HERE), "no manager audits");
    }

    #[test]
    fn a_role_of_the_tenant_counts_everywhere_for_what_it_grants() {
        let reader = operator(Scope::Tenant, Role::Reader);
        assert!(reader.may_everywhere(May::SeeStatus) && reader.may_in(May::SeeStatus, HERE));
        assert!(!reader.may_in(May::ReadPeople, HERE) && !reader.may_somewhere(May::ReadPeople));
    }

    #[test]
    fn nobody_is_without_grants() {
        let nobody = Operator { name: "mihon".into(), grants: vec![] };
        assert!(!nobody.may_somewhere(May::SeeStatus) && !nobody.may_in(May::SeeStatus, HERE));
    }

    #[test]
    fn names_stand_on_a_line_and_none_is_the_consoles() {
        for good in ["yamada", "山田.花子", "front-desk_2", "a@example.test"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "console", "a b", "a\nb", "a\u{200b}", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
