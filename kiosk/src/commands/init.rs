//! `kiosk init`: the only command that creates anything.

use store::{Init, Store, Words};

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
    let words = |japanese, english| Words { japanese, english };
    let init = Init {
        facility: init.facility,
        operator: words(init.operator, init.operator_en),
        purpose: words(init.purpose, init.purpose_en),
        contact: words(init.contact, init.contact_en),
    };
    Store::init(&common.data, &vault::key(&common.data), &init)?;
    format.print(&Created { data: &common.data }, |created| {
        format!(
            "created an empty vault in {}; next: `kiosk enrol` or `kiosk run --board FILE`",
            created.data.display()
        )
    });
    Ok(())
}
