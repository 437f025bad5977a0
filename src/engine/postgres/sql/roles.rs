//! Roles that a statement names and that have to be there for it: those of policies and of user mappings. Owners and
//! privileges name others, but no restore makes those.

use super::cursor::Cursor;

/// Words that stand for whoever it is at the time, or for all.
const NOBODYS: [&str; 4] = ["public", "current_role", "current_user", "session_user"];

/// The roles in `statement`, as they are called.
pub(super) fn named(statement: &[u8], backslashes: bool) -> Vec<String> {
    let mut cursor = Cursor::new(statement, backslashes);
    if cursor.words("create policy") || cursor.words("alter policy") {
        return of_policy(cursor).unwrap_or_default();
    }
    if cursor.words("create user mapping") {
        cursor.words("if not exists");
        cursor.words("for");
        cursor.words("user"); // `FOR USER`: whoever it is
        return one(&mut cursor).into_iter().collect();
    }
    Vec::new()
}

/// `NAME ON TABLE ... TO a, "B" USING (...)`.
fn of_policy(mut cursor: Cursor<'_>) -> Option<Vec<String>> {
    cursor.name()?;
    cursor.words("on").then_some(())?;
    cursor.qualified()?;
    while !cursor.words("to") {
        cursor.outer()?;
    }
    let mut roles = Vec::new();
    loop {
        roles.extend(one(&mut cursor));
        if !cursor.sign(b',') {
            return Some(roles);
        }
    }
}

fn one(cursor: &mut Cursor<'_>) -> Option<String> {
    // In quotes it is a name all the same, but that of no such role.
    let nobodys = cursor.one_of(&NOBODYS).is_some();
    if nobodys { None } else { cursor.name() }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn report_113_only_roles_are_taken() {
        for (sql, roles) in [
            ("CREATE POLICY p ON public.t TO web_anon USING (true)", &["web_anon"][..]),
            ("create policy \"to x\" on t as restrictive for select to A, \"B, c\" using (a = 'to d')", &["a", "B, c"]),
            ("CREATE POLICY p ON t FOR ALL TO CURRENT_USER, PUBLIC, r WITH CHECK (true)", &["r"]),
            ("CREATE POLICY p ON t USING (a IN (SELECT b FROM c))", &[]),
            ("CREATE USER MAPPING FOR \"App\" SERVER s OPTIONS (user 'x')", &["App"]),
            ("CREATE USER MAPPING IF NOT EXISTS FOR public SERVER s", &[]),
            ("GRANT a TO b", &[]),
        ] {
            assert_eq!(named(sql.as_bytes(), false), roles, "{sql}");
        }
    }
}
