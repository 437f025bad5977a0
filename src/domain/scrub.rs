//! Takes secrets out of words that come from elsewhere before they reach a terminal, a log or a record.

/// What stands in their place.
const HIDDEN: &str = "********";
/// How a private key of age begins.
const PRIVATE_KEY: &str = "AGE-SECRET-KEY-";

/// Words in the name of a variable or an option whose value is a secret, wherever they stand in it.
const SECRET: [&str; 6] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL"];
/// The same where they end the name.
const SECRET_ENDS: [&str; 4] = ["PASS", "KEY", "AUTH", "PWD"];

/// Replaces passwords: values behind names like `DB_PASSWORD=`, `SECRET...=`, `API_KEY=`, `..._PWD=` and `..._AUTH=`, the
/// password part of `scheme://user:password@host`, words of exactly 32 hex digits, the shape of the passwords that Dokku's
/// plugins make, and private keys of age.
pub fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        clean.push_str(&hex_words(&assignment(&address(&private_key(word)))));
        clean.push_str(&piece[word.len()..]);
    }
    clean
}

/// The word up to where a private key begins.
fn private_key(word: &str) -> String {
    match word.to_ascii_uppercase().find(PRIVATE_KEY) {
        Some(at) => format!("{}{HIDDEN}", &word[..at]),
        None => word.to_owned(),
    }
}

/// `scheme://user:password@host` without the password.
fn address(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((who, host)) = rest.rsplit_once('@')
        && let Some((user, _)) = who.split_once(':')
    {
        return format!("{scheme}://{user}:{HIDDEN}@{host}");
    }
    word.to_owned()
}

/// `...PASSWORD=value` without the value.
fn assignment(word: &str) -> String {
    if let Some((name, _)) = word.split_once('=') {
        let upper = name.to_ascii_uppercase();
        // The working directory is nobody's secret.
        let is_folder = upper == "PWD" || upper == "OLDPWD";
        let is_secret =
            SECRET.iter().any(|word| upper.contains(word)) || SECRET_ENDS.iter().any(|word| upper.ends_with(word));
        if is_secret && !is_folder {
            return format!("{name}={HIDDEN}");
        }
    }
    word.to_owned()
}

/// The word with every run of exactly 32 hex digits hidden.
fn hex_words(word: &str) -> String {
    let mut clean = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let run = rest[start..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - start);
        clean.push_str(&rest[..start]);
        clean.push_str(if run == 32 { HIDDEN } else { &rest[start..start + run] });
        rest = &rest[start + run..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn fault_005_secrets_do_not_survive() {
        let secret = "0123456789abcdef0123456789abcdef";
        for text in [
            format!("docker container exec -e DB_PASSWORD={secret} x"),
            "+ DBPASSWORD='hunter2' dump".to_owned(),
            format!("Dsn: postgres://postgres:{secret}@dokku-postgres-db:5432/db"),
            "redis://:hunter2@dokku-redis-cache:6379 and more".to_owned(),
            "docker run --env MYSQL_PWD=hunter2 --env MARIADB_ROOT_PASSWORD=hunter2".to_owned(),
            "REDISCLI_AUTH=hunter2 x".to_owned(),
            "AWS_SECRET_ACCESS_KEY=hunter2 api-key=hunter2 --password=hunter2 SMTP_PASS=hunter2".to_owned(),
            format!("password is {secret}."),
        ] {
            let clean = scrub(&text);
            assert!(!clean.contains(secret) && !clean.contains("hunter2"), "{clean}");
            assert!(clean.contains("********"));
        }
        for key in
            ["AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQF", "age-secret-key-1qqqsyqcyq5rqwzqf", "key=AGE-SECRET-KEY-1QQQSYQC,x"]
        {
            assert!(!scrub(&format!("a {key} b")).to_ascii_uppercase().contains("1QQQ"), "{key}");
        }
        assert_eq!(scrub("PWD=/srv/shop keyboard=de bypath=x"), "PWD=/srv/shop keyboard=de bypath=x");
        let commit = "82eeec6fe1b1d0d6c4a2f7f0a8a9d3a1b2c3d4e5";
        assert_eq!(scrub(commit), commit);
        assert_eq!(
            scrub(" !     Postgres service nosuch does not exist\n"),
            " !     Postgres service nosuch does not exist\n"
        );
    }
}
