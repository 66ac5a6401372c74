//! A voucher becomes a membership: the registry is pinned, the facility kept, the first key to wrap to made, all durable
//! before the request leaves.

use gate::Now;
use ledger::{Event, JoinRequest, KeyId, Message, Page, Peer, Real, Voucher, WrapSecret};

use super::{Joined, load};
use crate::{By, Store, StoreError};

impl Store {
    /// Asks to belong to the facility of a voucher. `csr` is the agent's certificate request, which the MAC covers. Asked
    /// again with a new voucher of the same facility, the request names the same key.
    ///
    /// # Errors
    /// [`StoreError::OtherRegistry`] or [`StoreError::OtherFacility`] if this device belongs elsewhere; what the request
    /// cannot carry; or the write failed.
    pub fn join(&mut self, now: Now, voucher: &Voucher, csr: Vec<u8>) -> Result<JoinRequest, StoreError> {
        if self.membership()?.is_some_and(|known| known.facility != voucher.facility) {
            return Err(StoreError::OtherFacility);
        }
        let pin = credentials::Voucher { tenant: voucher.tenant.clone(), registry: voucher.registry };
        self.pin_registry(now, &pin, By::Console)?;
        let done = self.write_or_not(now, |batch| {
            let sql = "INSERT OR IGNORE INTO membership (one, facility) VALUES (1, ?1)";
            batch.execute(sql, [voucher.facility.0])?;
            let file = batch.file;
            let (replica, _) = load::load(&batch.transaction, batch.keys, file)?;
            let mut chain = replica.map(|replica| replica.chain).unwrap_or_default();
            if chain.newest_wrap(&Real).is_none() {
                let (id, secret) = (KeyId(batch.draw()?), WrapSecret::from_bytes(batch.draw()?));
                chain.add_wrap(id, secret, 0);
            }
            batch.save(&chain.without_persons())?;
            Ok((chain.newest_wrap(&Real), true))
        });
        self.joined = Joined::Lost;
        self.mend()?;
        let (_, wrap, public) = done?.expect("one was made if there was none");
        self.adopt_control(now)?;
        let request = JoinRequest::make(voucher, self.keys.author.id(), (wrap, public), csr);
        request.map_err(StoreError::ledger("ask to join"))
    }

    /// Pages of the control feed that were imported before this device joined are held as any other run from now on.
    fn adopt_control(&mut self, now: Now) -> Result<(), StoreError> {
        let pages =
            self.rows("SELECT bytes FROM control_pages ORDER BY number", |row| row.get::<_, Vec<u8>>(0))?;
        self.hold_control(now, pages.iter().map(Vec::as_slice))
    }

    /// Pages of the control feed that are kept, as a replica holds them too. A page that was cut otherwise than what is held
    /// already is passed over: the rest of it comes from a peer.
    pub(crate) fn hold_control<'a>(
        &mut self,
        now: Now,
        pages: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), StoreError> {
        let Some(mut sync) = self.restarted()? else { return Ok(()) };
        for page in pages.filter_map(|bytes| Page::decode(bytes).ok()) {
            let commands = sync.step(0, Event::Heard(Peer(0), Box::new(Message::Page(page))));
            let _ = self.keep_known(now, commands)?;
        }
        Ok(())
    }
}
