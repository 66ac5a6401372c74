//! Joining: the agent makes its key, carries the kiosk's request to the registry and keeps the answer. It sees no secret: the
//! request is closed by a key out of the voucher that only kiosk and registry know, so the agent can change nothing in it, and
//! the answer holds nothing to hide.

use crate::home::{Home, HomeError};
use crate::pinned::PinnedTls;
use ledger::{JoinAnswer, JoinRequest};
use std::sync::Arc;
use std::time::Duration;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};
use wire::{Clock, tls};

/// How long the registry may take.
const WITHIN: Duration = Duration::from_secs(60);
/// The greatest answer in bytes.
const MAX_ANSWER: u64 = ledger::MAX_ANSWER as u64;
/// How much of the registry's reason is shown, in bytes.
const MAX_REASON: u64 = 2_048;

/// Why the device did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file of the directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The request or the answer.
    #[error("{what} does not do: {error}")]
    Ledger {
        /// Which.
        what: &'static str,
        /// Why.
        error: ledger::Error,
    },
    /// The request asks for a certificate of another key.
    #[error("the request is for the key of another agent: make it again with this agent's `request`")]
    OtherKey,
    /// The answer's certificate.
    #[error(
        "the answer's certificate is not for this agent's key and authority ({0}): ask the registry again"
    )]
    Certificate(String),
    /// The address in the voucher.
    #[error("the registry's address in the voucher is not https: ask for another voucher")]
    Address,
    /// The network, or another server than the voucher's.
    #[error("the registry cannot be reached: {0}")]
    Network(Box<ureq::Error>),
    /// The registry says no.
    #[error("the registry refuses ({status}): {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        reason: String,
    },
}

/// The request for a certificate (DER) of this agent's key, which is made if there is none.
///
/// Errors: [`JoinError::Home`].
pub fn request(home: &Home) -> Result<Vec<u8>, JoinError> {
    home.make()?;
    Ok(home.identity_or_new()?.request().map_err(HomeError::from)?)
}

/// Carries the kiosk's request to the registry that its voucher names, and keeps the answer.
///
/// Errors: [`JoinError`].
pub fn over_the_network(home: &Home, request: &[u8]) -> Result<JoinAnswer, JoinError> {
    let asked =
        JoinRequest::decode(request).map_err(|error| JoinError::Ledger { what: "the request", error })?;
    let bytes = post(&asked, request)?;
    let answer =
        JoinAnswer::decode(&bytes).map_err(|error| JoinError::Ledger { what: "the answer", error })?;
    answer.answers(&asked).map_err(|error| JoinError::Ledger { what: "the answer", error })?;
    keep(home, answer)
}

/// Keeps an answer that came by another road, as a file.
///
/// Errors: [`JoinError`].
pub fn by_hand(home: &Home, answer: &[u8]) -> Result<JoinAnswer, JoinError> {
    let answer =
        JoinAnswer::decode(answer).map_err(|error| JoinError::Ledger { what: "the answer", error })?;
    keep(home, answer)
}

fn keep(home: &Home, answer: JoinAnswer) -> Result<JoinAnswer, JoinError> {
    let identity = home.identity()?;
    let clock = Arc::new(Clock::default());
    tls::client(&answer.ca, &answer.chain, &identity, clock)
        .map_err(|error| JoinError::Certificate(error.to_string()))?;
    home.keep_membership(&answer)?;
    Ok(answer)
}

fn post(asked: &JoinRequest, request: &[u8]) -> Result<Vec<u8>, JoinError> {
    if !asked.url.starts_with("https://") {
        return Err(JoinError::Address);
    }
    let tls = tls::pinned(asked.ca, Arc::new(Clock::default()))
        .map_err(|error| JoinError::Certificate(error.to_string()))?;
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    let connector = ().chain(TcpConnector::default()).chain(PinnedTls::new(tls));
    let agent = ureq::Agent::with_parts(config, connector, DefaultResolver::default());
    let url = format!("{}/join", asked.url.trim_end_matches('/'));
    let network = |error| JoinError::Network(Box::new(error));
    let sent = agent.post(&url).header("content-type", "application/octet-stream").send(request);
    let mut response = sent.map_err(network)?;
    let status = response.status().as_u16();
    let limit = if status == 200 { MAX_ANSWER } else { MAX_REASON };
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    if status == 200 {
        return body.map_err(network);
    }
    let reason = String::from_utf8_lossy(&body.unwrap_or_default()).replace(char::is_control, " ");
    Err(JoinError::Refused { status, reason })
}
