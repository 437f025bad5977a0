# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# An import into a live service, and everything killed half-way.

# How long nobody was served: the longest time between two answers to a client that always comes back.
prober() {
  "$DOCKER" container exec dokku.postgres.db1 bash -c '
    last=${EPOCHREALTIME/./} longest=0
    while [[ ! -e /tmp/enough ]]; do
      psql -XqAt -w -h localhost -U postgres -d db1 -c "SELECT 1" >/dev/null 2>&1 || continue
      now=${EPOCHREALTIME/./}; ((now - last > longest)) && longest=$((now - last)); last=$now
    done; rm /tmp/enough; echo "$longest"' >"$work/longest"
}

replacement() {
  local good client probe
  good=$(content db1)
  sql db1 db1 "DELETE FROM items WHERE id % 2 = 0; CREATE VIEW later AS SELECT count(*) FROM items; CREATE TABLE extra ()"
  "$DOCKER" container exec dokku.postgres.db1 psql -U postgres -d db1 -c 'BEGIN' -c 'LOCK items' -c 'SELECT pg_sleep(600)' >"$work/client" 2>&1 &
  client=$!
  PGPASSWORD='' prober &
  probe=$!
  await 10 '[[ $(sql db1 postgres "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '"'%pg_sleep%'"'") == 2 ]]'
  try dokku backups:import db1 --latest --force --no-backup
  measured "import $took ms"
  check "import with a client connected that holds a lock" '[[ $rc == 0 ]]'
  "$DOCKER" container exec dokku.postgres.db1 touch /tmp/enough
  wait "$probe"
  measured "the longest a client waited: $(($(<"$work/longest") / 1000)) ms"
  check "the client was ended" '! wait $client && grep -q "terminating connection" "$work/client"'
  check "the data are the backup's" '[[ $(content db1) == "$good" ]]'
  check "what came later is gone" '[[ -z $(sql db1 db1 "SELECT relname FROM pg_class WHERE relname IN ('"'later', 'extra'"')") ]]'
  check "settings and privileges of the database are still there" \
    '[[ $(sql db1 db1 "SHOW work_mem") == 8MB && $(sql db1 postgres "SELECT has_database_privilege('"'reader', 'db1', 'connect'"'), count(*) FROM pg_db_role_setting") == "t|1" ]]'
  check "one database, as before" '[[ $(databases db1) == db1 ]]'
}

# The plugin is killed while pg_restore works; what it left behind inside the container ends with the next command.
killed_import() {
  local live how=$1
  sql db1 db1 "DELETE FROM items WHERE id = 1" && live=$(content db1)
  dokku backups:import db1 --latest --force --no-backup >"$work/import" 2>&1 &
  check "$how: pg_restore is at it" 'await 30 "(( \$(running_in dokku.postgres.db1 pg_restore) > 0 ))"'
  [[ $how != "pg_restore left" ]] || "$DOCKER" container exec dokku.postgres.db1 sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != pg_restore ] || kill -STOP "${p##*/}"; done'
  kill_plugin backups:import
  wait $!
  check "$how: the live database is as it was" '[[ $(content db1) == "$live" ]]'
  sleep 1
  printf 'seen: %s: %s pg_restore left after a second, databases: %s\n' "$how" "$(running_in dokku.postgres.db1 pg_restore)" "$(databases db1 | tr '\n' ' ')"
  try dokku backups:sync db1
  check "$how: the next command undoes it" '[[ $rc == 0 && $out == *"is undone"* && $(databases db1) == db1 && $(content db1) == "$live" ]]'
  [[ $how != "pg_restore left" ]] || "$DOCKER" container exec dokku.postgres.db1 sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != pg_restore ] || kill -CONT "${p##*/}"; done'
  check "$how: no pg_restore is left" 'await 10 "(( \$(running_in dokku.postgres.db1 pg_restore) == 0 ))"'
  check "$how: nor a session of one" '[[ $(sql db1 postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = '"'pg_restore'"'") == 0 ]]'
}

killed_verify() {
  dokku backups:verify db1 --latest >"$work/verify" 2>&1 &
  check "a disposable runs" 'await 30 "(( \$(disposables) == 1 ))"'
  kill_plugin backups:verify
  wait $!
  check "a killed verification leaves its container" '(( $(disposables) == 1 ))'
  try dokku backups:verify db1 --latest
  check "the next one removes it, with its volume" '[[ $rc == 0 && $out == *"left by a crash"* ]] && (( $(disposables) == 0 && $(volumes) == before ))'
}

killed_export() {
  dokku backups:export db1 >"$work/export" 2>&1 &
  check "pg_dump is at it" 'await 30 "(( \$(running_in dokku.postgres.db1 pg_dump) > 0 ))"'
  "$DOCKER" container exec dokku.postgres.db1 sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != pg_dump ] || kill -STOP "${p##*/}"; done'
  kill_plugin backups:export
  wait $!
  try dokku backups:sync db1
  check "the session of a dump left behind is ended" '[[ $rc == 0 && $(sql db1 postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = '"'pg_dump'"'") == 0 ]]'
  "$DOCKER" container exec dokku.postgres.db1 sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != pg_dump ] || kill -KILL "${p##*/}"; done'
}

# Every point of an import is killed somewhere: a spread of them here, all of them in the stand-in.
killed_anywhere() {
  local count step at good
  DOKKU_BACKUPS_POINTS=count=$work/open/points dokku backups:import db1 --latest --force --no-backup >/dev/null 2>&1
  count=$(wc -l <"$work/open/points" 2>/dev/null || echo 0)
  ((count > 0)) || { echo "seen: the binary has no fault points; built with --features points it has" && return; }
  good=$(content db1)
  # The later half: there the databases are worked on.
  step=$(((count + 11) / 12))
  for ((at = count / 2; at <= count; at += step)); do
    DOKKU_BACKUPS_POINTS=abort=$at dokku backups:import db1 --latest --force --no-backup >/dev/null 2>&1
    try dokku backups:sync db1
    check "killed at point $at of $count" '[[ $rc == 0 && $(databases db1) == db1 && $(content db1) == "$good" ]]'
  done
}

replacement
killed_import "pg_restore goes"
killed_import "pg_restore left"
killed_verify
killed_export
killed_anywhere
