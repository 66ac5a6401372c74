//! `kiosk threshold` and `kiosk status`: how sure the threshold is, and whether it still holds at this door.

use gate::Policy;

use super::{Outcome, vault};
use crate::{
    arguments::{Common, Threshold},
    estimate::{Estimated, Live},
    output::Format,
    service::{Answer, Request},
};

/// By the card alone; needs no data directory.
pub(crate) fn threshold(format: Format, asked: &Threshold) -> Outcome {
    let policy = Policy::default();
    let target = asked.fpir.unwrap_or(policy.target_fpir);
    format.print(&Estimated::new(target, asked.references, &policy), Estimated::text);
    Ok(())
}

/// For the references in the vault, and what the running kiosk has seen.
pub(crate) fn status(common: &Common, format: Format) -> Outcome {
    if let Answer::Status(status) = vault::ask(&common.data, Request::Status)? {
        format.print(&status, |it| {
            let live = it.live.as_ref().map_or_else(
                || "No kiosk is running, so nothing is known of how alike people look here.".into(),
                Live::text,
            );
            format!("{}\n\n{live}", it.threshold.text())
        });
    }
    Ok(())
}
