//! Checkpoints: how far a run goes, as a text that anybody can keep and compare. The form is C2SP tlog-checkpoint inside a
//! C2SP signed note, so that witnesses which know nothing of Genkan can cosign it:
//!
//! ```text
//! genkan/<tenant>/<author, hex>/<run, hex>
//! <length, decimal>
//! <root, base64>
//!
//! — <the first line again> <base64 of key hash (4) || Ed25519 signature (64) of the three lines>
//! ```
//! The key hash is the first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key). Lines by other signers are passed over.

use crate::sign::verify;
use crate::{AuthorId, AuthorKey, Error, Place, Prior, Root, RunId, base64};
use sha2::{Digest, Sha256};

/// The greatest size of a note in bytes: the text and some 40 cosignatures.
pub const MAX_NOTE: usize = 16 * 1024;

/// What every line with a signature begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// How far a run of a tenant's author goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The tenant: visible characters other than `+` and `/`.
    pub tenant: String,
    /// The author.
    pub author: AuthorId,
    /// The run, its length and root.
    pub at: Prior,
}

impl Checkpoint {
    /// The first line: `genkan/<tenant>/<author>/<run>`. It is also the name of the key.
    pub fn origin(&self) -> String {
        format!("genkan/{}/{}/{}", self.tenant, self.author, self.at.run)
    }

    /// The note.
    ///
    /// Errors: [`Error::BadCheckpoint`] if the key is not the author's, [`Error::Malformed`] for a tenant that cannot
    /// stand in an origin.
    pub fn sign(&self, author: &AuthorKey) -> Result<String, Error> {
        if author.id() != self.author {
            return Err(Error::BadCheckpoint { origin: self.origin() });
        }
        if !is_tenant(&self.tenant) {
            return Err(malformed("a tenant is visible characters other than + and /"));
        }
        let (origin, text) = (self.origin(), self.text());
        let signature = [&self.key_hash()[..], &author.sign(text.as_bytes())].concat();
        Ok(format!("{text}\n{DASH}{origin} {}\n", base64::encode(&signature)))
    }

    /// Reads a note that `author` signed.
    ///
    /// Errors: [`Error::TooLarge`] beyond [`MAX_NOTE`] bytes, [`Error::Malformed`] for another form or extension lines,
    /// [`Error::BadCheckpoint`] for another author's, or where a line in the author's name does not verify.
    pub fn verify(note: &str, author: AuthorId) -> Result<Checkpoint, Error> {
        if note.len() > MAX_NOTE {
            return Err(Error::TooLarge {
                place: Place::Checkpoint,
                size: note.len(),
                limit: MAX_NOTE,
                unit: "bytes",
            });
        }
        let wrong = malformed("three lines, an empty one and signatures are needed");
        let (text, signatures) = note.split_once("\n\n").ok_or(wrong.clone())?;
        let signatures = signatures.strip_suffix('\n').ok_or(wrong.clone())?;
        if !signatures.split('\n').all(|line| line.starts_with(DASH)) {
            return Err(wrong);
        }
        let checkpoint = read(text).ok_or(wrong)?;
        let bad = Error::BadCheckpoint { origin: checkpoint.origin() };
        let mut ours = signatures.split('\n').filter_map(|line| checkpoint.signature_in(line)).peekable();
        let message = checkpoint.text();
        let signed = ours.peek().is_some() && ours.all(|sig| verify(author, message.as_bytes(), &sig));
        if signed && checkpoint.author == author { Ok(checkpoint) } else { Err(bad) }
    }

    /// The signed text, with its last newline.
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.at.length, base64::encode(&self.at.root.0))
    }

    /// The signature that a line holds, if the line is of the author's key; one of another length can only fail.
    fn signature_in(&self, line: &str) -> Option<[u8; 64]> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = base64::decode(signature)?;
        let (hash, sig) = decoded.split_first_chunk::<4>()?;
        let ours = name == self.origin() && *hash == self.key_hash();
        ours.then(|| sig.try_into().unwrap_or([0; 64]))
    }

    fn key_hash(&self) -> [u8; 4] {
        let digest =
            Sha256::new().chain_update(self.origin()).chain_update([0x0A, 0x01]).chain_update(self.author.0);
        let digest: [u8; 32] = digest.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

fn read(text: &str) -> Option<Checkpoint> {
    let lines: [&str; 3] = text.split('\n').collect::<Vec<_>>().try_into().ok()?;
    let [origin, length, root] = lines;
    let ["genkan", tenant, author, run] = origin.split('/').collect::<Vec<_>>()[..] else {
        return None;
    };
    let run: RunId = run.parse().ok()?;
    let at = Prior { run, length: decimal(length)?, root: Root(base64::decode(root)?.try_into().ok()?) };
    is_tenant(tenant).then_some(Checkpoint { tenant: tenant.to_owned(), author: author.parse().ok()?, at })
}

/// A number as it is written back: no sign, no leading zero.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn is_tenant(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+' || c == '/')
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Checkpoint, why }
}
