//! Can a run store its results?

use super::{Visit, not_checked, refused};
use crate::finding::Finding;
use crate::store::{Issue, Probe, StoreError, Transport};

const UNREACHED: &str = "there is no database to check";

pub fn reached(visit: &Visit) -> Finding {
    let location = match &visit.settings.database {
        Ok(Some(location)) => location,
        Ok(None) => return Finding::warn("none: a dry run stores nothing", "leave out --dry-run"),
        Err(fatal) => return refused(fatal),
    };
    match &visit.probe {
        Some(Ok(probe)) => Finding::ok(format!("{location}, {}", probe.kind)),
        Some(Err(error)) => store_finding(error),
        None => not_checked(UNREACHED),
    }
}

fn store_finding(error: &StoreError) -> Finding {
    match error {
        StoreError::Unreachable(reason) | StoreError::Locked(reason) => Finding::busy(reason.to_string(), ""),
        other => Finding::fail(other.to_string(), ""),
    }
}

pub fn encryption(visit: &Visit) -> Finding {
    let Some(probe) = probe(visit) else { return not_checked(UNREACHED) };
    match &probe.transport {
        Transport::Local => Finding::ok("not needed, nothing leaves this machine"),
        Transport::Tls { protocol, is_verified: true, .. } => {
            Finding::ok(format!("{protocol}; the server's identity is verified"))
        }
        Transport::Tls { protocol, is_trusted: true, .. } => Finding::ok(format!(
            "{protocol}; the server's certificate is trusted, but its name is not checked (sslmode=verify-full does)"
        )),
        Transport::Tls { protocol, .. } => Finding::warn(
            format!("{protocol}, but the server's identity is not verified"),
            "add sslmode=verify-full to the database's URL",
        ),
        Transport::Plain => Finding::warn(
            "none: anybody on the network can read the data, and the password if it is sent as text",
            "add sslmode=verify-full to the database's URL, or use a server with TLS",
        ),
    }
}

/// The only check that fails although a run would succeed: the run is stored, but with escaped names.
pub fn encoding(visit: &Visit) -> Finding {
    let Some(probe) = probe(visit) else { return not_checked(UNREACHED) };
    match &probe.encoding {
        None => Finding::ok("it can store every name unchanged"),
        Some((what, advice)) => Finding::fail(what, advice),
    }
}

pub fn schema(visit: &Visit) -> Finding {
    let Some(probe) = probe(visit) else { return not_checked(UNREACHED) };
    let (found, known) = (probe.schema, Probe::known_schema());
    match (&probe.unmade, found) {
        (Some((what, advice)), _) => Finding::fail(what, advice),
        (None, 0) => Finding::ok(format!("no tables yet; the first run creates them (version {known})")),
        _ if found > known => Finding::fail(
            format!("version {found}, written by a newer giggles; this one knows {known}"),
            "update giggles",
        ),
        _ if found < known => Finding::ok(format!("version {found}; the next run upgrades it to {known}")),
        _ => Finding::ok(format!("version {found}")),
    }
}

pub fn rights(visit: &Visit) -> Finding {
    let Some(probe) = probe(visit) else { return not_checked(UNREACHED) };
    let first = |issues: &[Issue], judge: fn(&str, &str) -> Finding| {
        let ((what, advice), others) = issues.split_first()?;
        Some(judge(what, advice).with(others.iter().map(|(what, advice)| format!("{what}; {advice}")).collect()))
    };
    first(&probe.obstacles, |what, advice| Finding::fail(what, advice))
        .or_else(|| first(&probe.doubts, |what, advice| Finding::warn(what, advice)))
        .unwrap_or_else(|| Finding::ok("a run may store its rows"))
}

pub fn lock(visit: &Visit) -> Finding {
    let Some(probe) = probe(visit) else { return not_checked(UNREACHED) };
    let source = &visit.settings.lock;
    match &probe.holder {
        None => Finding::ok(format!("free, source '{source}'")),
        Some(holder) => Finding::busy(
            format!("another giggles ({holder}) is running on the source '{source}'"),
            "wait until it has ended, and do not let runs overlap",
        ),
    }
}

fn probe<'a>(visit: &'a Visit) -> Option<&'a Probe> {
    visit.probe.as_ref().and_then(|probe| probe.as_ref().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fatal;
    use crate::exit::Exit;

    #[test]
    fn a_store_error_has_the_same_exit_code_as_in_a_run() {
        let errors =
            [StoreError::Config("a".into()), StoreError::Unreachable("b".into()), StoreError::Locked("c".into())];
        for error in errors {
            let exit = crate::exit::from_findings(&[store_finding(&error)]);
            assert!(exit != Exit::Complete);
            assert_eq!(exit, Fatal::from(error).exit());
        }
    }
}
