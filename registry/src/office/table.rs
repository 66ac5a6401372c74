//! The rows about epochs as the tables of `ledger::epochs`, whose rules simulator and registry share; and who belongs.

use ledger::epochs::Table;
use ledger::{AuthorId, Class, Feed, GroupId, KeyId, Kind, Members, Record};

use super::Tx;
use crate::db::{Cell, SqlError};
use crate::failure::Done;

impl Tx<'_> {
    /// What is kept about the epochs of a facility.
    pub fn table(&mut self, group: GroupId) -> Done<Table> {
        let mut table = Table::default();
        let of = [group.0.into()];
        for row in self.sql.query("SELECT epoch FROM epochs WHERE grp = $1", &of)? {
            table.wrapped.entry(number(&row[0])?).or_default();
        }
        for row in
            self.sql.query("SELECT epoch, device, generation, wrap FROM wrapped WHERE grp = $1", &of)?
        {
            let wraps = table.wrapped.entry(number(&row[0])?).or_default();
            let wrap = (number(&row[2])?, KeyId(row[3].array()?));
            wraps.entry(AuthorId(row[1].array()?)).or_default().insert(wrap);
        }
        for row in self.sql.query("SELECT device, opened, says FROM devices WHERE grp = $1", &of)? {
            let device = AuthorId(row[0].array()?);
            table.opened.insert(device, number(&row[1])?);
            if row[2] != Cell::Null {
                table.says.insert(device, number(&row[2])?);
            }
        }
        for row in self.sql.query("SELECT key, epoch, complete FROM killed WHERE grp = $1", &of)? {
            let key = KeyId(row[0].array()?);
            table.killed.insert(key, number(&row[1])?);
            if row[2] == Cell::Int(1) {
                table.complete.insert(key);
            }
        }
        Ok(table)
    }

    /// Who belongs, as the control feed in the database says.
    pub fn members(&mut self) -> Done<Members> {
        let mut members = Members::new(self.author().id());
        let text = "SELECT r.record FROM records r JOIN lines l ON r.run = l.run WHERE l.feed = $1";
        for row in self.sql.query(text, &[Feed::of(Class::Control).to_string().into()])? {
            let body = Record::parse(row[0].bytes()?)?.open_body(None)?;
            if let Some(kind) = Kind::from_name(&body.kind) {
                members.apply(kind, &body);
            }
        }
        Ok(members)
    }

    /// The count of transactions that wrote.
    pub fn changes(&mut self) -> Done<i64> {
        let rows = self.sql.query("SELECT count FROM changes WHERE id = 1", &[])?;
        Ok(rows.first().ok_or(SqlError::Shape("no count of changes"))?[0].int()?)
    }
}

fn number(cell: &Cell) -> Done<u32> {
    Ok(cell.int()?.try_into().map_err(|_| SqlError::Shape("a number beyond 32 bits"))?)
}
