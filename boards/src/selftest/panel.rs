//! The check of the small panel: it shows a picture, and somebody has to see it.

use super::{DeviceCheck, DeviceName, PANEL_WITHIN, verdict, within};
use crate::{
    advice,
    lines::LinesError,
    panel::{self, PanelError, PanelFacts, PanelPicture, Symbol},
};

pub(super) fn check(facts: &PanelFacts) -> DeviceCheck {
    let path = match facts {
        PanelFacts::Sim { path, .. } => path.display().to_string(),
        PanelFacts::Ssd1306 { device, address } => format!("{}, address {address}", device.display()),
        PanelFacts::St7789 { device, .. } => device.display().to_string(),
    };
    let facts = facts.clone();
    let show = move || {
        let picture = PanelPicture { symbol: Symbol::Wait, text: "表示を確認しています".into() };
        panel::open(&facts).show(&picture)
    };
    let verdict = verdict(DeviceName::Panel, within(PANEL_WITHIN, show), |error: &PanelError| {
        let missing = matches!(
            error,
            PanelError::NotThere { .. }
                | PanelError::Lines(LinesError::NotThere { .. } | LinesError::NoLine { .. })
        );
        (missing, advice::panel(error))
    });
    DeviceCheck { device: DeviceName::Panel, path, verdict, level: None }
}
