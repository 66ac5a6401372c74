#![allow(clippy::unwrap_used)]
//! Facts about panels: two displays in memory that take commands as the real ones do, and what is drawn.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use embedded_graphics::pixelcolor::IntoStorage;
use embedded_hal::{delay::DelayNs, digital, i2c, spi};

use super::{
    draw::{self, Canvas, draw},
    *,
};
use crate::contract::{self, PanelSubject};

fn picture(symbol: Symbol, text: &str) -> PanelPicture {
    PanelPicture { symbol, text: text.into() }
}

fn lit(canvas: &Canvas) -> Vec<bool> {
    canvas.lit().collect()
}

const SIZES: [PanelSize; 2] = [PanelSize::OLED, PanelSize::TFT];

#[test]
fn a_simulated_panel_keeps_the_contract_of_a_panel() {
    for size in SIZES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel.png");
        let panel = open(&PanelFacts::Sim { path: path.clone(), size });
        let see = move || {
            let _kept = &folder;
            let seen = image::open(&path).unwrap().to_rgb8();
            assert_eq!(seen.dimensions(), (size.width, size.height));
            seen.pixels().map(|pixel| pixel.0 != [0, 0, 0]).collect()
        };
        contract::panel(PanelSubject { panel, see: Box::new(see) });
    }
}

/// The memory of an SSD1306 in horizontal addressing: eight pages of 128 columns, each byte a column of eight dots.
struct OledMemory {
    columns: (u8, u8),
    pages: (u8, u8),
    at: (u8, u8),
    dots: [[u8; 128]; 8],
    on: bool,
}

#[derive(Clone)]
struct OledBus(Arc<Mutex<OledMemory>>);

impl i2c::ErrorType for OledBus {
    type Error = Infallible;
}

impl i2c::I2c for OledBus {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), Infallible> {
        assert_eq!(address, 0x3C);
        let mut memory = self.0.lock().unwrap();
        for operation in operations {
            let i2c::Operation::Write(bytes) = operation else { panic!("nothing is read") };
            match bytes {
                [0x00, command @ ..] => memory.command(command),
                [0x40, data @ ..] => data.iter().for_each(|&byte| memory.data(byte)),
                other => panic!("neither command nor data: {other:02X?}"),
            }
        }
        Ok(())
    }
}

impl OledMemory {
    fn command(&mut self, command: &[u8]) {
        match *command {
            [0x21, first, last] => (self.columns, self.at.0) = ((first, last), first),
            [0x22, first, last] => (self.pages, self.at.1) = ((first, last), first),
            [0x20, mode] => assert_eq!(mode, 0, "horizontal addressing"),
            [0xAF] => self.on = true,
            [..] => {}
        }
    }

    fn data(&mut self, byte: u8) {
        self.dots[usize::from(self.at.1)][usize::from(self.at.0)] = byte;
        self.at.0 += 1;
        if self.at.0 > self.columns.1 {
            self.at = (self.columns.0, self.at.1 + 1);
        }
        if self.at.1 > self.pages.1 {
            self.at.1 = self.pages.0;
        }
    }

    fn seen(&self) -> Vec<bool> {
        let dot = |place: usize| self.dots[place / 128 / 8][place % 128] >> (place / 128 % 8) & 1 == 1;
        (0..128 * 64).map(dot).collect()
    }
}

#[test]
fn an_oled_shows_what_was_drawn() {
    let memory =
        OledMemory { columns: (0, 127), pages: (0, 7), at: (0, 0), dots: [[0xAA; 128]; 8], on: false };
    let bus = OledBus(Arc::new(Mutex::new(memory)));
    let mut display = oled::begin(bus.clone(), 0x3C).unwrap();
    for symbol in [Symbol::Granted, Symbol::Staff] {
        let picture = picture(symbol, "どうぞ");
        oled::paint(&mut display, &picture).unwrap();
        assert!(bus.0.lock().unwrap().on);
        assert_eq!(bus.0.lock().unwrap().seen(), lit(&draw(&picture, PanelSize::OLED)));
    }
}

/// The memory of an ST7789, and its glass: the lying 240 by 135 pixels begin at column 40 and row 53 or 52.
#[derive(Default)]
struct TftMemory {
    data: bool,
    command: u8,
    arguments: Vec<u8>,
    /// First column, last column, first row, last row.
    window: [u16; 4],
    pixels: Vec<u8>,
    on: bool,
}

#[derive(Clone, Default)]
struct TftBus(Arc<Mutex<TftMemory>>);

impl spi::ErrorType for TftBus {
    type Error = Infallible;
}

impl spi::SpiDevice for TftBus {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut memory = self.0.lock().unwrap();
        for operation in operations {
            let spi::Operation::Write(bytes) = operation else { panic!("nothing is read") };
            memory.take(bytes);
        }
        Ok(())
    }
}

impl TftMemory {
    fn take(&mut self, bytes: &[u8]) {
        if !self.data {
            self.command = bytes[0];
            self.arguments.clear();
            self.on |= self.command == 0x29;
            return;
        }
        self.arguments.extend_from_slice(bytes);
        let pair = |at: usize| u16::from_be_bytes([self.arguments[at], self.arguments[at + 1]]);
        match self.command {
            0x2A => (self.window[0], self.window[1]) = (pair(0), pair(2)),
            0x2B => (self.window[2], self.window[3]) = (pair(0), pair(2)),
            0x2C => self.pixels.clone_from(&self.arguments),
            _ => {}
        }
    }
}

/// Waits for nothing.
struct Nowait;

impl DelayNs for Nowait {
    fn delay_ns(&mut self, _: u32) {}
}

struct TftPin(TftBus);

impl digital::ErrorType for TftPin {
    type Error = Infallible;
}

impl digital::OutputPin for TftPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.0.lock().unwrap().data = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.0.lock().unwrap().data = true;
        Ok(())
    }
}

#[test]
fn a_tft_shows_what_was_drawn_in_its_colours() {
    let bus = TftBus::default();
    let unused = TftPin(TftBus::default());
    let picture = picture(Symbol::Granted, "どうぞ");
    tft::paint(&mut bus.clone(), &mut TftPin(bus.clone()), unused, &mut Nowait, &picture).unwrap();
    let memory = bus.0.lock().unwrap();
    assert!(memory.on);
    assert_eq!((memory.window[1] - memory.window[0], memory.window[3] - memory.window[2]), (239, 134));
    assert_eq!(memory.window[0], 40);
    let canvas = draw(&picture, PanelSize::TFT);
    let wanted: Vec<u8> =
        canvas.pixels().iter().flat_map(|pixel| pixel.into_storage().to_be_bytes()).collect();
    assert_eq!(memory.pixels, wanted);
}

#[test]
fn a_name_s_rare_character_is_its_usual_one_and_blanks_nothing() {
    for size in SIZES {
        let drawn = |text: &str| lit(&draw(&picture(Symbol::Staff, text), size));
        assert_eq!(drawn("髙橋様"), drawn("高橋様"));
        assert_eq!(drawn("山﨑様"), drawn("山崎様"));
        assert_eq!(drawn("\u{10FFFD}様"), drawn("〓様"));
        assert_ne!(drawn("〓様"), drawn("様"));
        assert_eq!(drawn("お\tに"), drawn("お に"), "what is no character is a space");
    }
}

#[test]
fn a_text_that_is_too_long_is_smaller_and_then_says_that_it_goes_on() {
    for size in SIZES {
        let drawn = |text: &str| lit(&draw(&picture(Symbol::Staff, text), size));
        let long = "係員にお声がけください。".repeat(30);
        let longer = format!("{long}おわり");
        assert_eq!(drawn(&long), drawn(&longer), "the end of both is out of the picture");
        let count = |text: &str| drawn(text).iter().filter(|&&lit| lit).count();
        assert!(count(&long) > count("係員にお声がけください。"));
    }
    // The last place of a full small panel is the ellipsis, and no full character.
    let cut = draw(&picture(Symbol::Staff, &"鬱".repeat(200)), PanelSize::OLED);
    let whole = draw(&picture(Symbol::Staff, &"鬱".repeat(24)), PanelSize::OLED);
    let ends_in_dots = |kept: usize| {
        let text = format!("{}...", "鬱".repeat(kept));
        lit(&draw(&picture(Symbol::Staff, &text), PanelSize::OLED)) == lit(&cut)
    };
    assert!(lit(&cut) != lit(&whole) && (20..24).any(ends_in_dots));
}

#[test]
fn a_full_panel_cuts_no_character() {
    // Five large characters in a line and four lines fill a small panel.
    let dots = |text: &str| {
        let lit = |symbol_only: &str| {
            draw(&picture(Symbol::Staff, symbol_only), PanelSize::OLED).lit().filter(|&lit| lit).count()
        };
        lit(text) - lit("")
    };
    for character in ["顔", "鬱", "ド", "g"] {
        let line = character.repeat(5);
        assert_eq!(dots(&[&*line; 4].join("\n")), 4 * dots(&line), "{character}");
    }
}

#[test]
fn the_words_of_the_door_fit_and_what_would_be_cut_or_replaced_does_not() {
    for size in SIZES {
        for text in [
            "どうぞお入りください",
            "係員がご案内します",
            "3名様\nどうぞお入りください",
            "ほかの方法をご案内します",
        ] {
            assert!(draw::fits(text, size), "{text}");
        }
        for text in ["係員にお声がけください。".repeat(30), "髙橋様".into(), "\u{10FFFD}".into()]
        {
            assert!(!draw::fits(&text, size), "{text}");
        }
    }
}

#[test]
fn a_panel_that_is_not_there_is_named() {
    let line = Line { offset: 1, active_low: false, bias: crate::lines::Bias::AsIs };
    let device = PathBuf::from("/nonexistent/bus");
    let tft = PanelFacts::St7789 {
        device: device.clone(),
        chip: "/nonexistent/chip".into(),
        data_command: line,
        reset: line,
    };
    for facts in [PanelFacts::Ssd1306 { device: device.clone(), address: 60 }, tft] {
        let error = open(&facts).show(&picture(Symbol::Wait, "")).unwrap_err();
        assert_eq!(error, PanelError::NotThere { device: device.display().to_string() });
    }
    let null = PanelFacts::Ssd1306 { device: "/dev/null".into(), address: 60 };
    let error = open(&null).show(&picture(Symbol::Wait, "")).unwrap_err();
    assert!(matches!(error, PanelError::Bus { .. }), "{error}");
}

/// Writes every symbol in both sizes for people to look at: `PANEL_PICTURES=FOLDER`.
#[test]
fn pictures_for_people() {
    let Some(folder) = std::env::var_os("PANEL_PICTURES") else { return };
    let texts = [
        "顔をカメラに向けてください",
        "どうぞお入りください",
        "そのままお待ちください",
        "QRコードかカードでも受付できます",
        "係員がご案内します",
        "ドアは開いています。外へ出てください",
        "ただいまご利用いただけません。係員にお声がけください。髙橋",
    ];
    for size in SIZES {
        for (symbol, text) in Symbol::ALL.into_iter().zip(texts) {
            let path = PathBuf::from(&folder).join(format!("{}-{symbol:?}.png", size.width));
            open(&PanelFacts::Sim { path, size }).show(&picture(symbol, text)).unwrap();
        }
        let path = PathBuf::from(&folder).join(format!("{}-long.png", size.width));
        let long = picture(Symbol::Staff, &"係員にお声がけください。".repeat(30));
        open(&PanelFacts::Sim { path, size }).show(&long).unwrap();
    }
}
