//! Compiles the screens: the .slint files, their translations and the one font all go into the program.

use std::path::{Path, PathBuf};
use std::process::exit;
use std::{env, fs, io};

/// Where `cargo xtask setup` puts the font; `ui/kiosk.slint` imports the same file.
const FONT: &str = "../assets/fetched/fonts/genkan-sans-jp.otf";

fn main() {
    println!("cargo::rerun-if-changed={FONT}");
    println!("cargo::rerun-if-changed=ui");
    println!("cargo::rerun-if-changed=lang");
    if !Path::new(FONT).is_file() {
        println!(
            "cargo::error=the embedded font has not been made yet: run `cargo xtask setup` (it makes {FONT})"
        );
        exit(1);
    }
    let translations = match translations() {
        Ok(folder) => folder,
        Err(error) => {
            println!("cargo::error=the translations in kiosk/lang cannot be read: {error}");
            exit(1);
        }
    };
    let config = slint_build::CompilerConfiguration::new()
        .embed_resources(slint_build::EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations(translations);
    if let Err(error) = slint_build::compile_with_config("ui/kiosk.slint", config) {
        println!("cargo::error=the screens in kiosk/ui cannot be compiled: {error}");
        exit(1);
    }
}

/// Slint takes one file for each language, named after the crate; ours are two, for the public and for the staff. The
/// second follows the first, without its head.
fn translations() -> io::Result<PathBuf> {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says where to put what is built")).join("lang");
    for language in fs::read_dir("lang")? {
        let language = language?;
        let (from, to) =
            (language.path().join("LC_MESSAGES"), out.join(language.file_name()).join("LC_MESSAGES"));
        let mut texts = fs::read_to_string(from.join("kiosk.po"))?;
        if let Ok(staff) = fs::read_to_string(from.join("staff.po")) {
            let entries = staff.split_once("\n\n").map_or("", |(_, entries)| entries);
            texts = format!("{}\n\n{entries}", texts.trim_end());
        }
        let file = to.join("kiosk.po");
        // Written only when it differs: cargo would compile the screens anew each time.
        if fs::read_to_string(&file).ok().as_deref() != Some(&texts) {
            fs::create_dir_all(&to)?;
            fs::write(&file, texts)?;
        }
    }
    Ok(out)
}
