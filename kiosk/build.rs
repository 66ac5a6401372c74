//! Compiles the screens: the .slint files, their translations and the one font all go into the program.

use std::path::Path;
use std::process::exit;

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
    let config = slint_build::CompilerConfiguration::new()
        .embed_resources(slint_build::EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("lang");
    if let Err(error) = slint_build::compile_with_config("ui/kiosk.slint", config) {
        println!("cargo::error=the screens in kiosk/ui cannot be compiled: {error}");
        exit(1);
    }
}
