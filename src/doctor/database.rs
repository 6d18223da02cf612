//! Can the night store what it hears?

use super::{Visit, refused, untold};
use crate::record::Finding;
use crate::store::{Checkup, Remark, StoreError, Way};

const UNREACHED: &str = "there is no database to look at";

pub fn reached(visit: &Visit) -> Finding {
    let location = match &visit.settings.database {
        Ok(Some(location)) => location,
        Ok(None) => return Finding::warn("none: a dry run stores nothing", "leave out --dry-run"),
        Err(fatal) => return refused(fatal),
    };
    match &visit.checkup {
        Some(Ok(checkup)) => Finding::ok(format!("{location}, {}", checkup.kind)),
        Some(Err(error)) => of_error(error),
        None => untold(UNREACHED),
    }
}

fn of_error(error: &StoreError) -> Finding {
    match error {
        StoreError::Unreachable(text) | StoreError::Locked(text) => Finding::busy(text, ""),
        other => Finding::wrong(other.to_string(), ""),
    }
}

pub fn encryption(visit: &Visit) -> Finding {
    let Some(checkup) = checkup(visit) else { return untold(UNREACHED) };
    match &checkup.way {
        Way::Local => Finding::ok("not needed, nothing leaves this machine"),
        Way::Tls { protocol, is_verified: true, .. } => Finding::ok(format!("{protocol}; the server proved who it is")),
        Way::Tls { protocol, is_trusted: true, .. } => Finding::ok(format!(
            "{protocol}; the server has a certificate of the authority, which need not name it (sslmode=verify-full asks)"
        )),
        Way::Tls { protocol, .. } => Finding::warn(
            format!("{protocol}, but whoever answers is believed to be the server"),
            "add sslmode=verify-full to the database's URL",
        ),
        Way::Plain => Finding::warn(
            "none: whoever is in between can read along, and the password if it is sent as text",
            "add sslmode=verify-full to the database's URL, or use a server with TLS",
        ),
    }
}

/// The one thing that fails here and lets a run pass: the run is stored, with names that nobody wants to read.
pub fn encoding(visit: &Visit) -> Finding {
    let Some(checkup) = checkup(visit) else { return untold(UNREACHED) };
    match &checkup.encoding {
        None => Finding::ok("it holds every name as it is"),
        Some((what, advice)) => Finding::wrong(what, advice),
    }
}

pub fn schema(visit: &Visit) -> Finding {
    let Some(checkup) = checkup(visit) else { return untold(UNREACHED) };
    let (found, known) = (checkup.schema, Checkup::known_schema());
    match (&checkup.unmade, found) {
        (Some((what, advice)), _) => Finding::wrong(what, advice),
        (None, 0) => Finding::ok(format!("no tables yet; the first run makes them (version {known})")),
        _ if found > known => Finding::wrong(
            format!("version {found}, written by a newer giggles; this one knows {known}"),
            "update giggles",
        ),
        _ if found < known => Finding::ok(format!("version {found}; the next run upgrades it to {known}")),
        _ => Finding::ok(format!("version {found}")),
    }
}

pub fn rights(visit: &Visit) -> Finding {
    let Some(checkup) = checkup(visit) else { return untold(UNREACHED) };
    let first = |remarks: &[Remark], judge: fn(&str, &str) -> Finding| {
        let ((what, advice), others) = remarks.split_first()?;
        Some(judge(what, advice).with(others.iter().map(|(what, advice)| format!("{what}; {advice}")).collect()))
    };
    first(&checkup.obstacles, |what, advice| Finding::wrong(what, advice))
        .or_else(|| first(&checkup.doubts, |what, advice| Finding::warn(what, advice)))
        .unwrap_or_else(|| Finding::ok("a run may store its rows"))
}

pub fn lock(visit: &Visit) -> Finding {
    let Some(checkup) = checkup(visit) else { return untold(UNREACHED) };
    let source = &visit.settings.lock;
    match &checkup.holder {
        None => Finding::ok(format!("free, source '{source}'")),
        Some(holder) => Finding::busy(
            format!("another giggles ({holder}) is at work on the source '{source}'"),
            "wait until it has ended, and let no two nights overlap",
        ),
    }
}

fn checkup<'a>(visit: &'a Visit) -> Option<&'a Checkup> {
    visit.checkup.as_ref().and_then(|checkup| checkup.as_ref().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, Fatal};

    #[test]
    fn a_store_error_is_as_bad_here_as_in_the_night() {
        let errors =
            [StoreError::Config("a".into()), StoreError::Unreachable("b".into()), StoreError::Locked("c".into())];
        for error in errors {
            let exit = crate::exit::of_findings(&[of_error(&error)]);
            assert!(exit != Exit::Complete);
            assert_eq!(exit, Fatal::from(error).exit());
        }
    }
}
