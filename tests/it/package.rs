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
        "build.rs",
        "crontab.example",
        "deploy/README.md",
        "docs/guide.md",
        "docs/reference/README.md",
        "models/LICENSE-YAMNET",
        "models/NOTICE",
        "scripts/nightly.env.example",
        "scripts/nightly_processing.sh",
        "src/main.rs",
        "src/render/page/page.js",
    ];
    assert_files("giggles", &needed, &["src/", "models/", "deploy/", "docs/"]);
    let of_tests = files("giggles").into_iter().filter(|file| file.starts_with("deploy/") && file.contains("test"));
    assert_eq!(of_tests.collect::<Vec<_>>(), [""; 0]);
}

/// Bytes of the package as the registry takes it: a tar file, compressed with gzip.
fn compressed_size(package: &str, folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = files(package).into_iter().filter(|file| folder.join(file).exists());
    let tar = Command::new("tar").arg("-cz").args(files).current_dir(&folder).output().unwrap();
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    tar.stdout.len()
}

/// crates.io refuses a package of more than 10 MB.
#[test]
fn the_registry_takes_every_package() {
    let engines = ["opus16k", "yamnet", "yamnet_weights", "yamnet_weights_first"];
    let engines = engines.map(|name| compressed_size(name, &format!("crates/{name}")));
    let sizes = [&[compressed_size("giggles", "")], &engines[..]].concat();
    println!("{sizes:?}");
    assert!(sizes.iter().all(|size| (20_000..9_500_000).contains(size)), "{sizes:?}");
    // The weights cannot be compressed further.
    assert!(engines[2] + engines[3] > 12_000_000, "{sizes:?}");
}

#[test]
fn the_weights_are_packaged_with_their_licence() {
    let needed = ["LICENSE-YAMNET", "NOTICE", "README.md", "src/lib.rs"];
    for (package, half) in [("yamnet_weights", "second_half.bin"), ("yamnet_weights_first", "first_half.bin")] {
        assert_files(package, &[&needed[..], &[half]].concat(), &[]);
        for text in ["LICENSE-YAMNET", "NOTICE"] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let read = |folder: &str| std::fs::read_to_string(root.join(folder).join(text)).unwrap();
            assert_eq!(read(&format!("crates/{package}")), read("models"), "{package}: {text}");
        }
    }
}

/// Where each file of the Debian package comes from and goes to, from `[package.metadata.deb]`.
fn debian_assets() -> Vec<(String, String)> {
    let asset = |line: &str| {
        let mut words = line.strip_prefix("    [\"")?.split("\", \"");
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    include_str!("../../Cargo.toml").lines().filter_map(asset).collect()
}

/// The absolute paths of giggles that a unit or a script names.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let ends = |letter: char| letter.is_whitespace() || "=:}".contains(letter);
    let ours = ["/usr/bin/giggles", "/usr/lib/giggles/", "/usr/share/doc/giggles/"];
    text.split(ends).filter(move |word| ours.iter().any(|start| word.starts_with(start)))
}

/// Each unit is in the package and names its paths. Nothing enables or starts them.
#[test]
fn the_debian_package_has_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/package_units.sh");
    assert!(Command::new(script).arg(folder.path()).status().unwrap().success());
    let assets = debian_assets();
    let is_installed = |path: &str| {
        let (parent, name) = path[1..].rsplit_once('/').unwrap();
        assets.iter().any(|(source, destination)| {
            let file = source.rsplit('/').next().unwrap();
            destination.trim_end_matches('/') == parent && (file == name || file == "*.md" && name.ends_with(".md"))
        })
    };
    let (mut units, mut named) = (0, 0);
    for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let destination = match name.rsplit('.').next().unwrap() {
            "sh" => "usr/lib/giggles/",
            "conf" => "usr/lib/sysusers.d/",
            _ => "usr/lib/systemd/system/",
        };
        let asset = (format!("target/package/systemd/{name}"), destination.to_owned());
        assert!(assets.contains(&asset), "{asset:?} is not in Cargo.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("/opt/giggles") && !text.contains("/usr/local"), "{name}:\n{text}");
        paths(&text).for_each(|path| assert!(is_installed(path), "{name}: {path} is not in the package"));
        units += 1;
        named += paths(&text).count();
    }
    assert!(units == 7 && named > 5, "{units} units, {named} paths");
    let manifest = include_str!("../../Cargo.toml");
    assert!(!manifest.contains("systemd-units") && !manifest.contains("maintainer-scripts"));
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
