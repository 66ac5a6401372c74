//! Devices: a voucher lets one in, once; it joins by one transaction, and it leaves by one.

use std::time::SystemTime;

use ledger::{
    AuthorId, Class, Error, GroupId, JoinAnswer, JoinRequest, KeyId, Kind, Members, Prior, Root, RunId,
    Voucher, WrapPublic,
};
use wire::authority::Authority;
use zeroize::Zeroizing;

use super::{Office, Target, Tx};
use crate::db::{Cell, Row};
use crate::failure::{Done, Failure};
use crate::keys::{hex, random};

/// How long a voucher is good, in milliseconds.
pub const VOUCHER_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A device as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its signing key.
    pub device: AuthorId,
    /// Its facility.
    pub group: GroupId,
    /// What people call it.
    pub name: String,
    /// The wrap key that it joined with.
    pub first: Target,
    /// When it joined, in milliseconds since 1970.
    pub joined_ms: i64,
    /// When it was expelled.
    pub expelled_ms: Option<i64>,
    /// The highest epoch that it ever said it opened.
    pub opened: u32,
    /// The epoch of its last head since the last restore; none before it.
    pub says: Option<u32>,
    /// When its last head came.
    pub seen_ms: Option<i64>,
}

impl Office {
    /// A voucher for one device.
    ///
    /// Errors: [`Failure::Asked`] for a name that is none.
    pub fn voucher(&mut self, authority: &Authority, facility: GroupId, name: &str) -> Done<Voucher> {
        if name.is_empty() || name.len() > 200 {
            return Err(Failure::Asked("a device's name has 1 to 200 bytes"));
        }
        let voucher = Voucher {
            tenant: self.config.tenant.clone(),
            registry: self.me(),
            facility,
            device: random()?,
            secret: Zeroizing::new(random()?),
            url: self.config.url.clone(),
            ca: authority.pin(),
        };
        self.change(|tx| {
            let text = "INSERT INTO vouchers (voucher, grp, name, until_ms) VALUES ($1, $2, $3, $4)";
            let until = tx.now_ms().saturating_add(VOUCHER_MS);
            tx.sql.execute(text, &[voucher.device.into(), facility.0.into(), name.into(), until.into()])?;
            tx.keep_secret(facility, &voucher_name(voucher.device), &voucher.secret)
        })?;
        Ok(voucher)
    }

    /// What `POST /join` answers, and `device join`: the request of a kiosk, as its agent brought it; the answer for both.
    /// The same request again gets an answer again, since the first may have been lost.
    ///
    /// Errors: [`Failure::Ledger`] for what does not read or is not of the voucher, [`Failure::Asked`] for a voucher that is
    /// used, over or unknown.
    pub fn device_join(&mut self, authority: &Authority, request: &[u8]) -> Done<Vec<u8>> {
        let request = JoinRequest::decode(request)?;
        let unfit =
            |_| Failure::Asked("the agent's request for a certificate is not sound; let it make a new one");
        let chain = authority.device(request.author, &request.csr, SystemTime::now()).map_err(unfit)?;
        let (pin, me) = (authority.pin(), self.me());
        let (tenant, url) = (self.config.tenant.clone(), self.config.url.clone());
        let control = self.change(|tx| {
            tx.admit(&request, &tenant, me, &url, pin)?;
            Ok(())
        });
        control?;
        let control = self.look(|tx| tx.control_pages())?;
        let mut answer = JoinAnswer {
            ca: authority.certificate().to_vec(),
            chain,
            broker: self.config.broker.clone(),
            tenant,
            registry: me,
            facility: request.facility,
            author: request.author,
            control,
        };
        loop {
            match answer.encode() {
                Err(Error::TooLarge { .. }) if answer.control.pop().is_some() => {}
                done => return Ok(done?),
            }
        }
    }

    /// The devices.
    ///
    /// Errors: those of the database.
    pub fn devices(&mut self) -> Done<Vec<DeviceRow>> {
        self.look(|tx| tx.devices())
    }

    /// Expels a device: what it said so far counts. The service begins a new epoch with a new group key for the others.
    ///
    /// Errors: [`Failure::Asked`] for one that is not there or is expelled already.
    pub fn expel(&mut self, device: AuthorId) -> Done<()> {
        self.change(|tx| tx.expel(device))
    }
}

impl Tx<'_> {
    fn admit(
        &mut self,
        request: &JoinRequest,
        tenant: &str,
        me: AuthorId,
        url: &str,
        ca: [u8; 32],
    ) -> Done<()> {
        let (group, device) = (request.facility, request.author);
        let text = "SELECT grp, name, until_ms, used_by FROM vouchers WHERE voucher = $1";
        let rows = self.sql.query(text, &[request.device.into()])?;
        let row = rows.first().filter(|row| row[0] == Cell::from(group.0));
        let row = row.ok_or(Failure::Asked("this registry gave out no such voucher"))?;
        let secret = self.secret(group, &voucher_name(request.device))?;
        let secret = secret.ok_or(Failure::Asked(
            "the voucher is used up; write a new one with `registry device voucher`",
        ))?;
        let voucher = Voucher {
            tenant: tenant.to_owned(),
            registry: me,
            facility: group,
            device: request.device,
            secret,
            url: url.to_owned(),
            ca,
        };
        request.verify(&voucher)?;
        if row[3] == Cell::from(device.0) {
            return Ok(());
        }
        if row[3] != Cell::Null || row[2].int()? < self.now_ms() {
            return Err(Failure::Asked(
                "the voucher is used or over; write a new one with `registry device voucher`",
            ));
        }
        if self.device(device)?.is_some() {
            return Err(Failure::Asked("this kiosk has joined already; set it up anew with a new vault"));
        }
        self.sql.execute(
            "UPDATE vouchers SET used_by = $1 WHERE voucher = $2",
            &[device.0.into(), request.device.into()],
        )?;
        let fields = Members::admitted(device, group, request.wrap, request.wrap_key);
        self.say(None, Class::Control, Kind::Admitted, fields, None, &[])?;
        let first = Target { device, wrap: request.wrap, public: request.wrap_key, generation: 0 };
        self.keep_device(group, row[1].text()?, &first)?;
        self.wrap_late(group, &first)?;
        Ok(())
    }

    pub(crate) fn keep_device(&mut self, group: GroupId, name: &str, first: &Target) -> Done<()> {
        let text = "INSERT INTO devices (device, grp, name, wrap, wrap_key, joined_ms, opened) \
                    VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (device) DO NOTHING";
        let row = [
            first.device.0.into(),
            group.0.into(),
            name.into(),
            first.wrap.0.into(),
            first.public.0.into(),
            self.now_ms().into(),
        ];
        self.sql.execute(text, &row)?;
        Ok(())
    }

    /// The devices, by when they joined.
    pub fn devices(&mut self) -> Done<Vec<DeviceRow>> {
        let text = "SELECT device, grp, name, wrap, wrap_key, joined_ms, expelled_ms, opened, says, seen_ms \
                    FROM devices ORDER BY joined_ms, device";
        self.sql.query(text, &[])?.iter().map(read_device).collect()
    }

    /// One device.
    pub fn device(&mut self, device: AuthorId) -> Done<Option<DeviceRow>> {
        Ok(self.devices()?.into_iter().find(|row| row.device == device))
    }

    fn expel(&mut self, device: AuthorId) -> Done<()> {
        let row = self.device(device)?.filter(|row| row.expelled_ms.is_none());
        row.ok_or(Failure::Asked("no such device belongs; `registry device list` shows them"))?;
        let text = "SELECT run, length, root FROM lines WHERE author = $1";
        let rows = self.sql.query(text, &[device.0.into()])?;
        let prior = |row: &Row| {
            Ok(Prior { run: RunId(row[0].array()?), length: row[1].count()?, root: Root(row[2].array()?) })
        };
        let runs = rows.iter().map(prior).collect::<Done<Vec<Prior>>>()?;
        let fields = Members::expelled(device, &runs).ok_or(Failure::Asked("a run is too long"))?;
        self.say(None, Class::Control, Kind::Expelled, fields, None, &[])?;
        self.note_expelled(device)
    }

    pub(crate) fn note_expelled(&mut self, device: AuthorId) -> Done<()> {
        let text = "UPDATE devices SET expelled_ms = $1 WHERE device = $2 AND expelled_ms IS NULL";
        self.sql.execute(text, &[self.now_ms().into(), device.0.into()])?;
        Ok(())
    }
}

fn read_device(row: &Row) -> Done<DeviceRow> {
    let number = |cell: &Cell| -> Done<Option<i64>> {
        if *cell == Cell::Null { Ok(None) } else { Ok(Some(cell.int()?)) }
    };
    let epoch = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let device = AuthorId(row[0].array()?);
    Ok(DeviceRow {
        device,
        group: GroupId(row[1].array()?),
        name: row[2].text()?.to_owned(),
        first: Target {
            device,
            wrap: KeyId(row[3].array()?),
            public: WrapPublic(row[4].array()?),
            generation: 0,
        },
        joined_ms: row[5].int()?,
        expelled_ms: number(&row[6])?,
        opened: epoch(row[7].int()?),
        says: number(&row[8])?.map(epoch),
        seen_ms: number(&row[9])?,
    })
}

fn voucher_name(device: [u8; 16]) -> String {
    format!("V/{}", hex(&device))
}
