#!/bin/bash
# Verification and restore on real containers: an engine of its own, an image from Debian's packages (scripts/docker-image),
# the stand-in Dokku in front of them. Needs root. Where no engine can run it says so and ends with 0.
# Usage: tests/docker.sh [BINARY]   (default: target/debug/dokku-backups)
# With DOKKU_BACKUPS_TEST_ENGINE=unix:///... that engine is used, and left running.
#
# shellcheck disable=SC2016,SC2034 # conditions in single quotes are run by check, where their variables hold
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 1
repository=$PWD
binary=$(realpath "${1:-target/debug/dokku-backups}")
DOCKER=/usr/bin/docker
work=$(mktemp -d /tmp/docker-test.XXXXXX)
chmod 755 "$work"
mkdir -m 777 "$work/open" # for what the stand-in's dokku user writes
host=$work/host engine='' passed=0 failed=0 out='' rc=0 before=0
export DOCKER

skip() {
  echo " !     test-docker skipped: $*" >&2
  exit 0
}

finish() {
  [[ ! -d $host ]] || "$repository/tests/sandbox" down "$host" >/dev/null 2>&1
  if [[ -n $engine ]]; then
    kill "$engine" 2>/dev/null
    wait "$engine" 2>/dev/null
  fi
  # What an engine that was killed has left mounted must not be emptied through its mount.
  grep -q " $work/" /proc/self/mounts || rm -rf "$work"
}
trap finish EXIT

# Debian's engine and what packs the image, without the engine's own service being started.
packages() {
  local policy=/usr/sbin/policy-rc.d ours=no missing=()
  [[ -x $DOCKER ]] && { type -P dockerd || type -P /usr/sbin/dockerd; } >/dev/null || missing+=(docker.io)
  type -P mmdebstrap >/dev/null || missing+=(mmdebstrap)
  ((${#missing[@]})) || return 0
  { ((EUID == 0)) && type -P apt-get >/dev/null; } || skip "missing, and to be installed as root with apt-get: ${missing[*]}"
  echo "-----> Installing: ${missing[*]}" >&2
  [[ -e $policy ]] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes; }
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >&2
  rc=$?
  [[ $ours == no ]] || rm -f "$policy"
  ((rc == 0)) || skip "apt-get install ${missing[*]} ended with $rc"
}

# Its own data, socket and pid file; no bridge and no firewall rules: the containers need no network.
engine_start() {
  ((EUID == 0)) || skip "an engine needs root"
  local dockerd driver
  dockerd=$(type -P dockerd || type -P /usr/sbin/dockerd) || skip "no dockerd (Debian's docker.io) on this machine"
  export DOCKER_HOST=unix://$work/socket
  for driver in overlay2 vfs; do
    "$dockerd" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" --host "$DOCKER_HOST" \
      --group "$(id -gn postgres 2>/dev/null || echo root)" --bridge=none --iptables=false --ip6tables=false \
      --ip-forward=false --ip-masq=false --storage-driver "$driver" >"$work/log" 2>&1 &
    engine=$!
    for _ in {1..150}; do
      ! "$DOCKER" version >/dev/null 2>&1 || return 0
      kill -0 "$engine" 2>/dev/null || break
      sleep 0.2
    done
    kill "$engine" 2>/dev/null
    wait "$engine" 2>/dev/null
    engine=''
  done
  skip "no engine runs here: $(tail -n 1 "$work/log")"
}

try() { # runs it, keeps what it said, how it ended and how long it took
  local since=${EPOCHREALTIME/./}
  out=$("$@" 2>&1 </dev/null)
  rc=$? took=$(((${EPOCHREALTIME/./} - since) / 1000))
}
check() { # check WHAT CONDITION: the condition is shell text, so that a failure can show it
  if eval "$2"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n  rc=%s out=%s\n' "$1" "$2" "$rc" "$out"
  fi
}
measured() { printf 'measured: %s\n' "$*"; }
sql() { "$DOCKER" container exec -i "dokku.postgres.$1" psql -XqAt -v ON_ERROR_STOP=1 -U postgres -d "$2" -c "$3"; }
databases() { sql "$1" postgres "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"; }
content() { sql "$1" "$1" "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM items t"; }
disposables() { "$DOCKER" ps --all --quiet --filter label=dokku-backups.disposable | wc -l; }
volumes() { "$DOCKER" volume ls --quiet | wc -l; }
trust() { dokku backups:info db1 --latest --format json 2>/dev/null | grep -o '"trust": *"[a-z-]*"' | head -1; }
running_in() { "$DOCKER" top "$1" -eo pid,args 2>/dev/null | grep -c "[0-9]  *$2 "; }
await() { # await SECONDS CONDITION
  local end=$((SECONDS + $1))
  until eval "$2"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}
# The plugin's own process of a command that was started in the background, killed with nothing to say goodbye.
kill_plugin() {
  local pid
  pid=$(pgrep -f -x "$host/var/lib/dokku/plugins/.*/bin/dokku-backups $1.*" | head -1) && kill -KILL "$pid"
}

prepare() {
  local image
  image=$(scripts/docker-image) || skip "no image could be made"
  export SANDBOX_DOCKER=$DOCKER SANDBOX_PG_VERSION=${image#postgres:}
  eval "$(tests/sandbox up "$host" --binary "$binary" 2>"$work/up")" || { cat "$work/up" && exit 1; }
  try dokku postgres:create db1
  check "a service is a container" '[[ $rc == 0 && $("$DOCKER" inspect -f "{{.State.Running}}" dokku.postgres.db1) == true ]]'
  sql db1 db1 "CREATE TABLE items AS SELECT g AS id, repeat(md5(g::text), 4) AS name FROM generate_series(1, 400000) g;
    CREATE INDEX ON items (name); ALTER TABLE items ADD PRIMARY KEY (id); CREATE EXTENSION pgcrypto; CREATE ROLE reader;
    ALTER DATABASE db1 SET work_mem TO '8MB'; GRANT CONNECT ON DATABASE db1 TO reader; SELECT lo_from_bytea(0, 'large')" >/dev/null
  before=$(volumes)
}

verification() {
  local facts
  try dokku backups:export db1
  check "export" '[[ $rc == 0 ]]'
  measured "export $took ms"
  dokku backups:verify db1 --latest >"$work/verify" 2>&1 &
  check "a disposable comes up" 'await 30 "(( \$(disposables) == 1 ))"'
  facts=$("$DOCKER" inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}} {{.Config.Image}}' \
    "$("$DOCKER" ps --all --quiet --filter label=dokku-backups.disposable)")
  check "no network, bounded memory and processes, the service's image" '[[ $facts == "none 1073741824 1073741824 256 no postgres:$SANDBOX_PG_VERSION" ]]'
  wait $!
  rc=$? out=$(<"$work/verify")
  check "it restores" '[[ $rc == 0 && $out == *Restorable* && $(trust) == *restorable* ]]'
  try dokku backups:verify db1 --latest
  measured "verify $took ms"
  check "and again" '[[ $rc == 0 ]]'
  check "nothing is left of either" '(( $(disposables) == 0 && $(volumes) == before ))'
}

# Too little memory says nothing about a backup, whenever it strikes: in the set-up, or while the dump is poured.
memory() {
  local limit
  try dokku backups:export db1
  for limit in 24m 64m; do
    dokku --quiet backups:set db1 verify-memory "$limit" >/dev/null 2>&1
    try dokku backups:verify db1 --latest
    check "$limit: refused for its reason" '[[ $rc == 1 && $out == *"ran out of memory"* && $out == *verify-memory* ]]'
    check "$limit: soon" '(( took < 60000 ))'
    check "$limit: the backup is none the worse" '[[ $(trust) == *created* ]]'
    check "$limit: nothing is left" '(( $(disposables) == 0 && $(volumes) == before ))'
  done
  dokku --quiet backups:set db1 verify-memory >/dev/null 2>&1
}

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

others() {
  local good
  good=$(content db1)
  try dokku backups:export db1
  try dokku --force postgres:destroy db1
  check "destroy is refused" '[[ $rc != 0 && $out == *"is not Restorable"* ]] && [[ $(content db1) == "$good" ]]'
  try dokku backups:fork db1 --latest db2
  check "fork" '[[ $rc == 0 && $(sql db2 db2 "SELECT count(*) FROM items") == 400000 ]]'
  measured "fork $took ms"
  try dokku postgres:stop db1
  try dokku backups:verify db1 --latest
  check "a backup of a stopped service is verified" '[[ $rc == 0 ]]'
  try dokku --force postgres:destroy db1
  check "then destroy is not refused" '[[ $rc == 0 && ! -d $host/var/lib/dokku/services/postgres/db1 ]]'
  check "and no volume is left" '(( $(volumes) == before ))'
}

packages
if [[ -n ${DOKKU_BACKUPS_TEST_ENGINE:-} ]]; then export DOCKER_HOST=$DOKKU_BACKUPS_TEST_ENGINE; else engine_start; fi
prepare
verification
memory
replacement
killed_import "pg_restore goes"
killed_import "pg_restore left"
killed_verify
killed_export
killed_anywhere
others
echo "$passed passed, $failed failed"
((failed == 0))
