//! Writes the seeds of a target into a folder: `seeds TARGET FOLDER`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, folder] = &arguments[..] else {
        panic!("seeds TARGET FOLDER");
    };
    std::fs::create_dir_all(folder)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, seed) in fuzz_targets::seeds::for_target(target, &root).iter().enumerate() {
        std::fs::write(Path::new(folder).join(format!("seed{number:03}")), seed)?;
    }
    Ok(())
}
