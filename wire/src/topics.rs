//! Topics: the only place that knows how they are spelt. Names of tenants and ids alone stand in them, so what a broker's
//! operator can read there says who talks, never what about.
//!
//! | topic | from, to |
//! |---|---|
//! | `genkan/TENANT/up/DEVICE` | an agent to the registry |
//! | `genkan/TENANT/down/DEVICE` | the registry to an agent |
//! | `genkan/TENANT/heads/GROUP` | the registry to all agents, retained: how far its runs of control and of this group go |
//!
//! TENANT is the first 8 bytes of SHA-256 of the tenant's name, DEVICE and GROUP are ids; all in lowercase hexadecimal.

use ledger::{AuthorId, GroupId};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

const ROOT: &str = "genkan";
const UP: &str = "up";
const DOWN: &str = "down";
const HEADS: &str = "heads";
/// The name of the subscription that all registry processes share: each message goes to one of them.
const SHARE: &str = "$share/registry";

/// A tenant as topics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant([u8; 8]);

impl Tenant {
    /// From the tenant's name.
    pub fn of(name: &str) -> Tenant {
        let digest = Sha256::digest(name.as_bytes());
        Tenant(std::array::from_fn(|at| digest[at]))
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// From a device's agent.
    Up(Tenant, AuthorId),
    /// To a device's agent.
    Down(Tenant, AuthorId),
    /// How far the registry's runs of control and of this group go.
    Heads(Tenant, GroupId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Up(tenant, device) => write!(f, "{ROOT}/{tenant}/{UP}/{device}"),
            Topic::Down(tenant, device) => write!(f, "{ROOT}/{tenant}/{DOWN}/{device}"),
            Topic::Heads(tenant, group) => write!(f, "{ROOT}/{tenant}/{HEADS}/{group}"),
        }
    }
}

/// The text is no topic of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a topic of genkan: genkan/TENANT/up|down|heads/ID in lowercase hexadecimal is needed")]
pub struct NotATopic;

impl FromStr for Topic {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Topic, NotATopic> {
        let parts: Vec<&str> = text.splitn(5, '/').collect();
        let [ROOT, tenant, lane, id] = parts[..] else { return Err(NotATopic) };
        let tenant = tenant_of(tenant).ok_or(NotATopic)?;
        match lane {
            UP => id.parse().map(|device| Topic::Up(tenant, device)).map_err(|_| NotATopic),
            DOWN => id.parse().map(|device| Topic::Down(tenant, device)).map_err(|_| NotATopic),
            HEADS => id.parse().map(|group| Topic::Heads(tenant, group)).map_err(|_| NotATopic),
            _ => Err(NotATopic),
        }
    }
}

fn tenant_of(text: &str) -> Option<Tenant> {
    let whole: GroupId = format!("{text}{text}").parse().ok()?;
    (text.len() == 16).then(|| Tenant(std::array::from_fn(|at| whole.0[at])))
}

/// What a registry process subscribes to: every device's words, shared with the other processes.
pub fn everything_up(tenant: Tenant) -> String {
    format!("{SHARE}/{ROOT}/{tenant}/{UP}/+")
}

/// What a device's agent subscribes to.
pub fn of_device(tenant: Tenant, device: AuthorId, group: GroupId) -> Vec<String> {
    vec![Topic::Down(tenant, device).to_string(), Topic::Heads(tenant, group).to_string()]
}

/// The broker's list of who may do what: `registry` is the name in the certificates of registry processes, every other name
/// is a device's id. A device hears the heads of every group of its tenant: names and lengths of runs, nothing of what is in
/// them.
pub(crate) fn access_list(tenant: Tenant, registry: &str) -> String {
    format!(
        "# Who may do what; the name is that of the certificate. A device (%u) has its own two topics and the heads.\n\
         pattern write {ROOT}/{tenant}/{UP}/%u\n\
         pattern read {ROOT}/{tenant}/{DOWN}/%u\n\
         pattern read {ROOT}/{tenant}/{HEADS}/+\n\
         \n\
         user {registry}\n\
         topic read {ROOT}/{tenant}/{UP}/+\n\
         topic write {ROOT}/{tenant}/{DOWN}/+\n\
         topic write {ROOT}/{tenant}/{HEADS}/+\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_topic_reads_back_what_it_writes() {
        let tenant = Tenant::of("Aoba City");
        let device = AuthorId([0xAB; 32]);
        for topic in
            [Topic::Up(tenant, device), Topic::Down(tenant, device), Topic::Heads(tenant, GroupId([7; 16]))]
        {
            assert_eq!(topic.to_string().parse::<Topic>(), Ok(topic));
        }
    }

    #[test]
    fn what_is_not_exactly_a_topic_is_none() {
        let good = Topic::Up(Tenant::of("t"), AuthorId([0xAB; 32])).to_string();
        let wrong = [
            format!("{good}/"),
            format!("/{good}"),
            format!("{good}0"),
            good.to_uppercase(),
            good.replace("/up/", "/heads/"),
            good.replace("/up/", "/sideways/"),
            good.replacen("genkan/", "genkan/0", 1),
            String::new(),
        ];
        for text in wrong {
            assert_eq!(text.parse::<Topic>(), Err(NotATopic), "{text}");
        }
    }
}
