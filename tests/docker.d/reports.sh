# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# What people have run into (reports 103-116), on servers that load what theirs do: pg_cron, PostGIS, preloaded libraries.

newest() { # newest SERVICE: the id of its newest backup
  dokku backups:list "$1" --format json 2>/dev/null | grep -o '"id": *"[^"]*"' | head -1 | cut -d '"' -f 4
}

loaded() {
  local options='-c shared_preload_libraries=pg_cron,pg_stat_statements,auto_explain -c cron.database_name=db3
    -c max_locks_per_transaction=256' places before
  try dokku postgres:create db3 --config-options "${options//$'\n'/ }"
  check "a service with preloaded libraries" '[[ $rc == 0 ]]'
  sql db3 db3 "CREATE EXTENSION pg_cron; SELECT cron.schedule('nightly', '0 3 * * *', 'select 1');
    CREATE EXTENSION pg_stat_statements; CREATE EXTENSION postgis; CREATE EXTENSION postgis_topology;
    CREATE TABLE places AS SELECT i AS id, ST_SetSRID(ST_MakePoint(i % 180, i % 90), 4326) AS at FROM generate_series(1, 20000) i;
    CREATE INDEX ON places USING gist (at); INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
      SELECT 990001, 'own', 1, srtext, proj4text FROM spatial_ref_sys WHERE srid = 4326" >/dev/null
  sql db3 db3 "$(<tests/it/fixtures/reports/i09-rls.sql)" >/dev/null
  places="SELECT count(*), md5(string_agg(id || ST_AsText(at), ',' ORDER BY id)) FROM places"
  before=$(sql db3 db3 "$places")
  try dokku backups:export db3 --verify
  check "report_111, 113: Restorable with pg_cron, PostGIS, preloaded libraries, a policy to a role" '[[ $rc == 0 && $out == *"dumped again, every definition"* ]]'
  try dokku backups:info db3 --latest --format json
  check "report_103: dumped again and equal" '[[ $out == *dumped-again* ]]'
  # pg_cron lives in one database by name: nothing makes it beside that one.
  try dokku backups:fork db3 --latest db4
  check "report_114: what a new service would run by itself is named" '[[ $rc == 7 && $out == *"--as-superuser extension:pg_cron"* ]]'
  try dokku backups:fork db3 --latest db4 --skip-extension pg_cron
  check "and can be left out" '[[ $rc == 0 && $(sql db4 db4 "$places") == "$before" && $(sql db4 db4 "SELECT count(*) FROM spatial_ref_sys WHERE srid = 990001") == 1 ]]'
  sql db3 db3 "DELETE FROM places WHERE id > 5" >/dev/null
  try dokku --force backups:import db3 --latest --no-backup --skip-extension pg_cron
  check "a restore brings the places back" '[[ $rc == 0 && $(sql db3 db3 "$places") == "$before" ]]'
}

# A fault that the database itself has shows where its backup is tried, and is mended as that says.
faulty() {
  try dokku postgres:create db5
  sql db5 db5 "$(<tests/it/fixtures/reports/i01-unaccent-index.sql)" >/dev/null
  try dokku backups:export db5 --verify
  check "report_115: an index that no restore can make" '[[ $rc == 6 && $out == *"SET search_path"* ]]'
  sql db5 db5 "ALTER FUNCTION f_unaccent(text) SET search_path = public, pg_catalog" >/dev/null
  try dokku backups:export db5 --verify
  check "mended as it said" '[[ $rc == 0 ]]'
}

# What people bring, into a server of the service's own version.
brought() {
  local input=tests/it/fixtures/reports name
  for name in heroku.dump utf16.sql stock.tgz adminer.sql; do
    try dokku --force backups:import db4 --no-backup --file "$PWD/$input/$name"
    check "$name is restored" '[[ $rc == 0 ]]'
    try dokku backups:verify db4 --id "$(newest db4)"
    check "$name is Restorable" '[[ $rc == 0 && $(dokku backups:info db4 --id "$(newest db4)" --format json) == *restorable* ]]'
  done
  try dokku --force backups:import db4 --no-backup --file "$PWD/$input/adminer-eaten.sql"
  check "report_103: rows that a trigger ate are missed" '[[ $rc != 0 && $out == *"users has 0 rows, the dump holds 2"* ]]'
  try dokku --force backups:import db4 --no-backup --file "$PWD/$input/newer-tool.dump"
  check "report_116: an archive of a newer tool is refused" '[[ $rc == 7 && $out == *"pg_dump 16"* ]]'
  try dokku --force backups:import db4 --no-backup --file "$PWD/$input/i16-supabase.sql"
  check "report_114: extensions that the image lacks are named" '[[ $rc == 7 && $out == *pg_graphql* ]]'
  for name in db3 db4 db5; do dokku backups:set "$name" gate off >/dev/null 2>&1 && dokku --force postgres:destroy "$name" >/dev/null 2>&1; done
  check "nothing is left" '(( $(disposables) == 0 && $(volumes) == before ))'
}

loaded
faulty
brought
