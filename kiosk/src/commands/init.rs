//! `kiosk init`: the only command that creates anything.

use store::{Init, Store};

use super::{Outcome, vault};
use crate::{
    arguments::{self, Common},
    output::Format,
};

#[derive(serde::Serialize)]
struct Created<'a> {
    data: &'a std::path::Path,
}

pub(crate) fn init(common: &Common, format: Format, init: arguments::Init) -> Outcome {
    let arguments::Init { facility, operator, purpose, contact } = init;
    let init = Init { facility, operator, purpose, contact };
    Store::init(&common.data, &vault::key(&common.data), &init)?;
    format.print(&Created { data: &common.data }, |created| {
        format!(
            "created an empty vault in {}; next: `kiosk enrol` or `kiosk run --board FILE`",
            created.data.display()
        )
    });
    Ok(())
}
