//! What `cargo publish` would upload: all that a user needs to build and run the program, and nothing else.

use std::path::Path;
use std::process::Command;

/// The files of a package.
fn files(package: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["package", "--list", "--offline", "--allow-dirty", "--package", package];
    let output = Command::new(cargo).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The package has the `needed` files, and no others but those in the `allowed` directories and what cargo adds.
fn assert_files(package: &str, needed: &[&str], allowed: &[&str]) {
    const OF_CARGO: [&str; 4] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];
    let files = files(package);
    for name in needed {
        assert!(files.iter().any(|file| file == name), "{package} lacks {name}");
    }
    let is_allowed = |file: &str| {
        let is_in = allowed.iter().any(|folder| file.starts_with(folder));
        is_in || needed.contains(&file) || OF_CARGO.contains(&file)
    };
    let others: Vec<&String> = files.iter().filter(|file| !is_allowed(file)).collect();
    assert!(others.is_empty(), "{package} has files that a user does not need: {others:?}");
}

#[test]
fn the_program_is_packaged_with_its_model_its_documents_and_its_nightly_run() {
    let needed = [
        "CHANGELOG.md",
        "LICENSE",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "crontab.example",
        "deploy/README.md",
        "docs/guide.md",
        "docs/reference/README.md",
        "models/LICENSE-YAMNET",
        "models/NOTICE",
        "models/yamnet.safetensors",
        "models/yamnet.safetensors.sha256",
        "scripts/nightly.env.example",
        "scripts/nightly_processing.sh",
        "src/main.rs",
        "src/render/page/page.js",
    ];
    assert_files("giggles", &needed, &["src/", "models/", "deploy/", "docs/"]);
    let of_tests = files("giggles").into_iter().filter(|file| file.starts_with("deploy/") && file.contains("test"));
    assert_eq!(of_tests.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_engines_are_packaged_with_their_licences() {
    let needed = ["LICENSE-APACHE", "LICENSE-MIT", "NOTICE", "README.md", "src/lib.rs"];
    assert_files("yamnet", &needed, &["src/"]);
    assert_files("opus16k", &needed, &["src/"]);
    for engine in ["crates/opus16k", "crates/yamnet"] {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let text = |folder: &str| {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                std::fs::read_to_string(root.join(folder).join(licence)).unwrap()
            };
            assert_eq!(text(engine), text(""), "{engine}/{licence}");
        }
    }
}
