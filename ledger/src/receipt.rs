//! The registry's receipt (LEDGER section 9): committed and durable up to here, and how far the registry's own runs go.
//!
//! `[receipt, sig]`, where receipt is the map `{tenant, device, runs, nonce, heads, epoch, wall_ms, uncertainty_s, run}` and
//! the signature covers `"genkan receipt 1\0" || receipt`. Receipts are joined by the maximum per run; an old one that comes
//! late does nothing. Only the kiosk prunes by it.

use crate::{AuthorId, Cursor, Error, Place, Prior, RunId, Signer, Suite, Value};

const RECEIPT: &[u8; 17] = b"genkan receipt 1\0";

/// What a registry states about one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The tenant.
    pub tenant: String,
    /// The device: its D_sign.
    pub device: AuthorId,
    /// The device's runs as the registry holds them durably.
    pub runs: Vec<Prior>,
    /// The nonce of the newest head it saw of the device.
    pub nonce: [u8; 16],
    /// The newest heads of the registry's own feeds.
    pub heads: Vec<Cursor>,
    /// The newest epoch of the device's group.
    pub epoch: u32,
    /// The registry's wall clock, in milliseconds since 1970, for clocks that have none.
    pub wall_ms: i64,
    /// How far it may be off, in seconds.
    pub uncertainty_s: u32,
    /// The run that the registry process writes.
    pub run: RunId,
}

/// A receipt and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    /// The statement.
    pub receipt: Receipt,
    /// The registry's signature.
    pub sig: [u8; 64],
}

impl SignedReceipt {
    /// Signs.
    ///
    /// Errors: [`Error::TooLarge`] for more runs than fit in 64 KiB.
    pub fn sign(registry: &dyn Signer, mut receipt: Receipt) -> Result<SignedReceipt, Error> {
        receipt.runs.sort_by_key(|prior| prior.run);
        receipt.heads.sort_by(|a, b| (&a.feed, a.at.run).cmp(&(&b.feed, b.at.run)));
        let sig = registry.sign(&receipt.message()?);
        Ok(SignedReceipt { receipt, sig })
    }

    /// Whether this registry signed it.
    pub fn verify(&self, suite: &dyn Suite, registry: AuthorId) -> bool {
        self.receipt.message().is_ok_and(|message| suite.verify(registry, &message, &self.sig))
    }

    /// The bytes that travel. Errors: as [`SignedReceipt::sign`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let value = Value::Array(vec![self.receipt.to_value()?, Value::bytes(self.sig)]);
        value.encode().map_err(|error| error.at(Place::Receipt))
    }

    /// Reads a receipt from exactly its bytes; its signature is looked at by [`SignedReceipt::verify`] only.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<SignedReceipt, Error> {
        let value = Value::decode(bytes).map_err(|error| error.at(Place::Receipt))?;
        read(&value).ok_or(malformed("a receipt and its signature are needed"))
    }
}

impl Receipt {
    fn message(&self) -> Result<Vec<u8>, Error> {
        let receipt = self.to_value()?.encode().map_err(|error| error.at(Place::Receipt))?;
        Ok([&RECEIPT[..], &receipt].concat())
    }

    fn to_value(&self) -> Result<Value, Error> {
        let long = malformed("a length is beyond 63 bits");
        let runs =
            self.runs.iter().map(|prior| prior.to_value()).collect::<Option<_>>().ok_or(long.clone())?;
        let heads = self.heads.iter().map(Cursor::to_value).collect::<Option<_>>().ok_or(long)?;
        let entries = [
            ("tenant", Value::text(&self.tenant)),
            ("device", Value::bytes(self.device.0)),
            ("runs", Value::Array(runs)),
            ("nonce", Value::bytes(self.nonce)),
            ("heads", Value::Array(heads)),
            ("epoch", Value::Int(self.epoch.into())),
            ("wall_ms", Value::Int(self.wall_ms)),
            ("uncertainty_s", Value::Int(self.uncertainty_s.into())),
            ("run", Value::bytes(self.run.0)),
        ];
        Ok(Value::Map(entries.map(|(name, value)| (Value::text(name), value)).to_vec()))
    }
}

fn read(value: &Value) -> Option<SignedReceipt> {
    let [map, sig] = value.as_array()? else { return None };
    let Value::Map(entries) = map else { return None };
    if entries.len() != 9 {
        return None;
    }
    let receipt = Receipt {
        tenant: map.get("tenant")?.as_text()?.to_owned(),
        device: AuthorId(map.get("device")?.as_array_of()?),
        runs: map.get("runs")?.as_array()?.iter().map(Prior::from_value).collect::<Option<_>>()?,
        nonce: map.get("nonce")?.as_array_of()?,
        heads: map.get("heads")?.as_array()?.iter().map(Cursor::from_value).collect::<Option<_>>()?,
        epoch: map.get("epoch")?.as_int()?.try_into().ok()?,
        wall_ms: map.get("wall_ms")?.as_int()?,
        uncertainty_s: map.get("uncertainty_s")?.as_int()?.try_into().ok()?,
        run: RunId(map.get("run")?.as_array_of()?),
    };
    Some(SignedReceipt { receipt, sig: sig.as_array_of()? })
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Receipt, why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{AuthorKey, Real};

    #[test]
    fn a_receipt_with_one_more_entry_is_refused_though_the_signature_fits_the_rest() {
        let registry = AuthorKey::from_bytes([6; 32]);
        let receipt = Receipt {
            tenant: "example-city".into(),
            device: registry.id(),
            runs: vec![],
            nonce: [1; 16],
            heads: vec![],
            epoch: 1,
            wall_ms: 5,
            uncertainty_s: 1,
            run: RunId([2; 16]),
        };
        let signed = SignedReceipt::sign(&registry, receipt).unwrap();
        let bytes = signed.encode().unwrap();
        assert!(SignedReceipt::decode(&bytes).unwrap().verify(&Real, registry.id()));
        let Value::Array(mut parts) = Value::decode(&bytes).unwrap() else { panic!() };
        let Value::Map(entries) = &mut parts[0] else { panic!() };
        entries.push((Value::text("more"), Value::Null));
        assert!(SignedReceipt::decode(&Value::Array(parts).encode().unwrap()).is_err());
    }
}
