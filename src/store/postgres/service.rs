//! libpq's service files: a service name stands for a set of parameters.
//!
//! Invariant: reads files; texts created here contain nothing of a file except the service's own lines.

use std::path::{Path, PathBuf};

use super::parameters::Variables;
use crate::domain::Reason;
use crate::store::StoreError;

/// Directories of the system-wide file in Debian's, Red Hat's and PostgreSQL's own packages.
const SYSTEM: [&str; 3] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc"];
const FILE: &str = "pg_service.conf";

/// The parameters of a service; if one is given twice, the first applies.
pub fn read(name: &str, file: Option<&str>, variables: Variables) -> Result<Vec<(String, String)>, StoreError> {
    let files = match file {
        Some(file) => vec![PathBuf::from(file)],
        None => usual_files(variables)?,
    };
    for path in &files {
        if file.is_none() && !path.is_file() {
            continue;
        }
        if let Some(pairs) = in_file(path, name)? {
            return Ok(pairs);
        }
    }
    let searched: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    Err(StoreError::Config(
        format!(
            "the service {name} (PGSERVICE, service=) was not found in {}; write a section [{name}] there",
            searched.join(", ")
        )
        .into(),
    ))
}

fn usual_files(variables: Variables) -> Result<Vec<PathBuf>, StoreError> {
    let own = std::env::home_dir().map(|home| home.join(".pg_service.conf"));
    let system = match variables("PGSYSCONFDIR")? {
        Some(folder) => vec![PathBuf::from(folder)],
        None => SYSTEM.iter().map(PathBuf::from).collect(),
    };
    Ok(own.into_iter().chain(system.into_iter().map(|folder| folder.join(FILE))).collect())
}

/// None: the file has no section of this name.
fn in_file(path: &Path, name: &str) -> Result<Option<Vec<(String, String)>>, StoreError> {
    let wrong = |why: &str| StoreError::Config(format!("the service file {}: {why}", path.display()).into());
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("the service file {}: it cannot be read: {error}; check its path", path.display());
        StoreError::Config(Reason::new(what).caused_by(error))
    })?;
    let mut found: Option<Vec<(String, String)>> = None;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            found = (section.strip_suffix(']') == Some(name)).then(Vec::new);
        } else if let Some(pairs) = &mut found {
            match line.split_once('=') {
                Some(("service" | "servicefile", _)) => {
                    return Err(wrong(&format!("line {number}: one service cannot name another")));
                }
                Some((key, value)) => pairs.push((key.to_owned(), value.to_owned())),
                None => return Err(wrong(&format!("line {number} does not have the form parameter=value"))),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# ours\n[other]\nhost=elsewhere\n\n[nightly]\nhost=db.example\n  port=5433\npassword=a=b\n[more]\nhost=x\n";

    #[test]
    fn a_section_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("services");
        std::fs::write(&path, TEXT).unwrap();
        let found = |name: &str| read(name, path.to_str(), &|_| Ok(None));
        let pairs = found("nightly").unwrap();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("host", "db.example"), ("port", "5433"), ("password", "a=b")]);
        let error = found("night").unwrap_err().to_string();
        assert!(error.contains("write a section [night] there"), "{error}");
        std::fs::write(&path, "[nightly]\nldap://server/dc=x\nno pair\n").unwrap();
        assert!(found("nightly").is_err());
        std::fs::write(&path, "[nightly]\nservice=other\n").unwrap();
        assert!(found("nightly").unwrap_err().to_string().contains("line 2: one service cannot name another"));
        std::fs::remove_file(&path).unwrap();
        assert!(found("nightly").unwrap_err().to_string().contains("cannot be read"));
    }
}
