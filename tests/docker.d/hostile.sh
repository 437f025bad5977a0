# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# Dumps that want more than to be restored (the numbers are attack.md's). Each is brought in as a backup of `victim` and
# verified; it may be refused, or may not restore, but whatever it does it does to a disposable database. A dump that is
# to be tried is one line of `dumps`.

# What a dump of this kind would leave: a file in the live server's container or on this host, another password, another
# role, other data, no database.
untouched() {
  outside
  sql victim victim "SELECT count(*), sum(a) FROM t"
}

# The same but for the data, which a restore that succeeds replaces.
outside() {
  sql victim postgres "SELECT string_agg(rolname || rolsuper || coalesce(rolpassword, ''), ',' ORDER BY rolname) FROM pg_authid WHERE rolname !~ '^pg_'"
  sql victim postgres "SELECT datname, datallowconn FROM pg_database ORDER BY 1"
  "$DOCKER" container exec dokku.postgres.victim sh -c 'ls /tmp /var/lib/postgresql'
  ls /tmp/hostile* 2>/dev/null
}

# archive SQL...: a whole archive of `victim` with these entries more.
archive() {
  "$DOCKER" container exec dokku.postgres.victim pg_dump -Fc -U postgres victim | tests/docker.d/archive-entry "$@"
}

dumps() {
  archive 'DROP DATABASE victim WITH (FORCE)' >"$1/401-drop-database.dump"
  archive "ALTER ROLE postgres PASSWORD 'owned'" 'SELECT 1/0' >"$1/403-password-then-failure.dump"
  archive "COPY (SELECT 1) TO PROGRAM 'id >/tmp/hostile'" >"$1/404-program.dump"
  archive 'CREATE ROLE hostile SUPERUSER LOGIN' >"$1/404-role.dump"
  printf '%s\n' 'CREATE TABLE t (a int);' "ALTER ROLE postgres PASSWORD 'owned';" >"$1/403-password.sql"
  printf '%s\n' 'CREATE TABLE t (a int);' 'COMMIT;' 'ALTER SYSTEM SET default_transaction_read_only = on;' 'SELECT 1/0;' >"$1/402-commit.sql"
  printf '%s\n' 'CREATE TABLE t (a int);' 'DO $$ BEGIN EXECUTE '"'COPY t FROM PROGRAM ''id >/tmp/hostile; echo 1'''"'; END $$;' >"$1/404-do.sql"
  printf '%s\n' 'CREATE TABLE t AS SELECT pg_read_file('"'/etc/passwd'"') AS a;' >"$1/404-read-file.sql"
  printf '%s\n' "CREATE TABLE t AS WITH x AS (SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/hostile') AS y) SELECT y FROM x;" >"$1/404-lo-export.sql"
  printf '%s\n' 'CREATE FUNCTION run(cstring) RETURNS int AS '"'libc.so.6', 'system'"' LANGUAGE U&"\0063" STRICT;' \
    "CREATE TABLE t AS SELECT run('id >/tmp/hostile') AS a;" >"$1/404-unicode-language.sql"
  printf '%s\n' 'CREATE EXTENSION file_fdw;' 'CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;' \
    "CREATE FOREIGN TABLE f (a text) SERVER s OPTIONS (program 'id >/tmp/hostile');" 'CREATE TABLE t AS SELECT * FROM f;' >"$1/404-wrapper.sql"
  printf '%s\n' 'CREATE TABLE "stdin" (a text);' "INSERT INTO \"stdin\" VALUES ('x');" "COPY (SELECT a FROM stdin) TO '/tmp/hostile';" \
    '\! id >/tmp/hostile' '\.' 'SELECT 1;' >"$1/405-stdin.sql"
}

hostile() {
  local file name id before_it outside_it folder=$work/hostile
  mkdir -m 755 "$folder"
  dokku postgres:create victim >/dev/null 2>&1
  sql victim victim 'CREATE TABLE t AS SELECT generate_series(1, 100) AS a' >/dev/null
  dumps "$folder"
  chmod 644 "$folder"/*
  before_it=$(untouched) outside_it=$(outside)
  for file in "$folder"/*; do
    name=${file##*/}
    try dokku backups:import victim --file "$file" --no-restore --allow-programs
    check "$name: brought in or refused" '[[ $rc == 0 || $rc == 6 || $rc == 7 ]]'
    if ((rc == 0)); then
      id=$(dokku backups:list victim --format json 2>/dev/null | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
      try dokku backups:verify victim --id "$id" --allow-programs
      check "$name: one verdict or the other" '[[ $rc == 0 || $rc == 1 || $rc == 6 || $rc == 7 ]]'
      printf 'seen: %s: verify ended with %s\n' "$name" "$rc"
    else
      printf 'seen: %s: import ended with %s\n' "$name" "$rc"
    fi
    check "$name: nothing of the host or the live server is touched" '[[ $(untouched) == "$before_it" ]]'
    # Into the live server, with the lists switched off: the role without privileges has to hold alone.
    try env DOKKU_BACKUPS_POINTS=lists=off dokku --force backups:import victim --file "$file" --no-backup
    check "$name: into the live server: it replaces the data or fails" '[[ $rc == 0 || $rc == 1 || $rc == 6 || $rc == 7 ]]'
    check "$name: into the live server: nothing outside the database is touched" '[[ $(outside) == "$outside_it" ]]'
    printf 'seen: %s: lists off, import ended with %s\n' "$name" "$rc"
    sql victim victim 'DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t AS SELECT generate_series(1, 100) AS a' >/dev/null
  done
  check "hostile: nothing is left" '(( $(disposables) == 0 ))'
  dokku --force postgres:destroy victim --skip-backup-check >/dev/null 2>&1
}

hostile
