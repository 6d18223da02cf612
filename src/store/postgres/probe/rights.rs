//! A user's privileges on giggles' tables: grants, ownership, and row-level security policies.
//!
//! Invariant: does not try any operation; what a policy decides about a row is unknown until the row exists.

use postgres::{Client, Error};

use crate::store::probe::{Issue, Probe};
use crate::store::schema;

/// The privileges that a run needs on each table; what belongs to a recording is deleted with it by foreign keys.
/// `deploy/postgres/role.sql` grants the same. Excludes tables that an upgrade will create ($1): their creator owns
/// them.
const MISSING: &str = "
    SELECT privilege || ' on ' || table_name FROM (VALUES ('giggles_schema', 'SELECT'), ('runs', 'SELECT'),
        ('runs', 'INSERT'), ('recordings', 'SELECT'), ('recordings', 'INSERT'), ('recordings', 'DELETE'),
        ('detections', 'SELECT'), ('detections', 'INSERT'), ('detections', 'DELETE'), ('score_tracks', 'SELECT'),
        ('score_tracks', 'INSERT'), ('candidates', 'SELECT'), ('candidates', 'INSERT'), ('reviews', 'SELECT'))
        AS needed (table_name, privilege)
    WHERE table_name <> ALL ($1) AND NOT coalesce(has_table_privilege(to_regclass(table_name)::oid, privilege), false)
    UNION ALL
    SELECT 'UPDATE of ' || column_name || ' on ' || table_name
    FROM (VALUES ('candidates', 'is_detected'), ('candidates', 'personal'), ('candidates', 'embedding'), ('candidates', 'clip'),
        ('recordings', 'name'), ('recordings', 'started_at'), ('recordings', 'start_source'), ('recordings', 'clips_failed'),
        ('recordings', 'clips_cut'), ('recordings', 'analysis'), ('recordings', 'run_id'), ('reviews', 'embedding'))
        AS needed (table_name, column_name)
    WHERE table_name <> ALL ($1) AND NOT CASE WHEN to_regclass(table_name) IS NULL THEN false
        ELSE has_column_privilege(to_regclass(table_name)::oid, column_name, 'UPDATE') END
    ORDER BY 1";
/// A migration writes its version into giggles_schema and alters tables, which only their owner may do.
const UNMADE: &str = "
    SELECT current_schema()::text AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        ARRAY (SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND c.relname = ANY ($1) ORDER BY 1) AS taken,
        ARRAY (SELECT name FROM unnest($2::text[]) AS name JOIN pg_class AS c ON c.oid = to_regclass(name)::oid
            WHERE NOT CASE name WHEN 'giggles_schema' THEN has_table_privilege(c.oid, 'INSERT')
                ELSE pg_has_role(c.relowner, 'USAGE') END ORDER BY 1) AS foreign_tables";
/// Row-level security that applies to this user, for each operation of a run. The policies may allow some rows
/// (`is_let`) or certainly all rows (`is_open`); without a policy for the user, no row is allowed.
const SECURITY: &str = "
    SELECT table_name, privilege, is_vital, coalesce(bool_or(polpermissive), false) AS is_let,
        coalesce(bool_and(polpermissive) AND bool_or('true' = pg_get_expr(
            CASE command WHEN 'a' THEN coalesce(polwithcheck, polqual) ELSE polqual END, polrelid)), false) AS is_open
    FROM (VALUES ('giggles_schema', 'SELECT', 'r', true), ('runs', 'SELECT', 'r', false),
        ('runs', 'INSERT', 'a', true), ('recordings', 'SELECT', 'r', true), ('recordings', 'INSERT', 'a', true),
        ('recordings', 'DELETE', 'd', false), ('detections', 'SELECT', 'r', false),
        ('detections', 'INSERT', 'a', true), ('detections', 'DELETE', 'd', false),
        ('score_tracks', 'SELECT', 'r', false), ('score_tracks', 'INSERT', 'a', true),
        ('candidates', 'SELECT', 'r', false), ('candidates', 'INSERT', 'a', true),
        ('candidates', 'UPDATE', 'w', false), ('recordings', 'UPDATE', 'w', false),
        ('reviews', 'SELECT', 'r', false), ('reviews', 'UPDATE', 'w', false))
        AS needed (table_name, privilege, command, is_vital)
    LEFT JOIN pg_policy ON polrelid = to_regclass(table_name)::oid AND polcmd IN ('*', command::\"char\")
        AND EXISTS (SELECT FROM unnest(polroles) AS role
            WHERE CASE role WHEN 0 THEN true ELSE pg_has_role(role, 'USAGE') END)
    WHERE row_security_active(to_regclass(table_name)::oid)
    GROUP BY table_name, privilege, is_vital ORDER BY table_name, privilege";

/// The privileges that a run needs and the user lacks.
pub fn missing(client: &mut Client, user: &str, schema: i64) -> Result<Option<Issue>, Error> {
    if schema == 0 {
        return Ok(None);
    }
    let missing = client.query(MISSING, &[&schema::tables_to_come(schema)])?;
    let missing: Vec<&str> = missing.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let advice = format!("run deploy/postgres/role.sql for {user} as the tables' owner");
    Ok((!missing.is_empty()).then(|| (format!("{user} lacks {}", missing.join(", ")), advice)))
}

/// Why this user could not migrate the tables from `version` to this program's schema version.
pub fn unmade(client: &mut Client, user: &str, version: i64) -> Result<Option<Issue>, Error> {
    if let Some(issue) = schema::unreleased(version) {
        return Ok(Some(issue));
    }
    let known = Probe::known_schema();
    if version >= known {
        return Ok(None);
    }
    let there = [schema::tables_up_to(version), vec!["giggles_schema"]].concat();
    let row = client.query_one(UNMADE, &[&schema::tables_to_come(version), &there])?;
    let (place, may_create): (Option<String>, bool) = (row.try_get("schema")?, row.try_get("may_create")?);
    let Some(place) = place else {
        let path = format!("no schema in {user}'s search_path exists and grants it USAGE");
        return Ok(Some((path, format!("ALTER ROLE {user} SET search_path to the schema of giggles' tables"))));
    };
    let (taken, foreign): (Vec<String>, Vec<String>) = (row.try_get("taken")?, row.try_get("foreign_tables")?);
    let by_owner = || format!("run this giggles once with the owner's URL, then deploy/postgres/role.sql for {user}");
    let grant = || format!("GRANT CREATE ON SCHEMA {place} TO {user}, or run once as the database's owner");
    let kept =
        |why: String| Some((format!("version {version}, and {user} may not upgrade it to {known}: {why}"), by_owner()));
    Ok(match (version, may_create) {
        (0, false) => Some((format!("there are no tables yet, and {user} may not make them"), grant())),
        _ if !taken.is_empty() => Probe::taken(&taken),
        _ if !foreign.is_empty() => kept(format!("others own {}", foreign.join(", "))),
        (_, false) => kept(format!("it lacks CREATE on schema {place}")),
        (_, true) => None,
    })
}

/// Row-level security as far as it applies to this user.
#[derive(Default)]
pub struct RowSecurity {
    /// A run would fail.
    pub refusal: Option<Issue>,
    /// Whether a run would fail depends on the rows.
    pub doubt: Option<Issue>,
}

/// Policies hide rows silently: every run analyzes a hidden recording again, and if the old row may not be deleted, its
/// detections are stored twice. If all policies are `true`, nothing is hidden.
pub fn row_security(client: &mut Client, user: &str) -> Result<RowSecurity, Error> {
    let (mut refused, mut doubtful) = (Vec::new(), Vec::new());
    for row in client.query(SECURITY, &[])? {
        let (table, privilege): (String, String) = (row.try_get("table_name")?, row.try_get("privilege")?);
        if row.try_get("is_vital")? && !row.try_get::<_, bool>("is_let")? {
            refused.push(format!("{privilege} on {table}"));
        }
        if !row.try_get::<_, bool>("is_open")? {
            doubtful.push(table);
        }
    }
    doubtful.dedup();
    let tables = doubtful.join(", ");
    let advice = format!("CREATE POLICY giggles ON … TO {user} USING (true) WITH CHECK (true), for each of {tables}");
    let refusal = format!("row-level security: no policy lets {user} {}", refused.join(", "));
    let doubt = format!(
        "row-level security applies to {user} on {tables}: every run analyzes hidden recordings again and may store \
         their laughs twice; a run whose rows are refused ends with exit code 78"
    );
    Ok(match (doubtful.is_empty(), refused.is_empty()) {
        (true, _) => RowSecurity::default(),
        (false, false) => RowSecurity { refusal: Some((refusal, advice)), doubt: None },
        (false, true) => RowSecurity { refusal: None, doubt: Some((doubt, advice)) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = include_str!("../../../../deploy/postgres/role.sql");

    #[test]
    fn every_column_that_the_role_may_update_is_checked() {
        let grants = ROLE.lines().filter_map(|line| line.split_once("UPDATE (")?.1.split_once(") ON "));
        let mut granted = Vec::new();
        for (columns, table) in grants {
            let table = table.split_once(' ').unwrap().0;
            granted.extend(columns.split(", ").map(|column| format!("('{table}', '{column}')")));
        }
        let missing: Vec<&String> = granted.iter().filter(|pair| !MISSING.contains(pair.as_str())).collect();
        assert!(granted.len() > 10 && missing.is_empty(), "{granted:?}, without {missing:?}");
    }
}
