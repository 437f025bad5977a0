# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # docker.sh has the rest
# What things cost on real containers beside doing them by hand: `make bench-docker`, and no part of `make test-docker`.
#   BENCH_DOCKER_MB     sizes of the database ("1 100"; 1000 takes a quarter of an hour)
#   BENCH_DOCKER_RUNS   pairs of each (3)

runs=${BENCH_DOCKER_RUNS:-3}
dump=$work/open/stock.dump

ms() { # ms COMMAND...: how long it took
  local since=${EPOCHREALTIME/./}
  "$@" >/dev/null 2>"$work/said" </dev/null || { cat "$work/said" >&2 && return 1; }
  echo $(((${EPOCHREALTIME/./} - since) / 1000))
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# beside WHAT THEIRS OURS GOAL: in turn, so that both meet the same machine.
beside() {
  local run theirs ours all_theirs='' all_ours=''
  for ((run = 0; run < runs; run++)); do
    if ((run % 2)); then
      ours=$(ms "$3") && theirs=$(ms "$2")
    else
      theirs=$(ms "$2") && ours=$(ms "$3")
    fi
    check "$1 works" '[[ -n $theirs && -n $ours ]]'
    all_theirs+="$theirs"$'\n' all_ours+="$ours"$'\n'
    sleep 1.1 # an id is a second
  done
  theirs=$(printf %s "$all_theirs" | median) ours=$(printf %s "$all_ours" | median)
  measured "$(awk -v what="$1" -v a="$theirs" -v b="$ours" -v goal="$4" \
    'BEGIN { printf "%-38s by hand %7d ms   ours %7d ms   %.2f   goal %s", what, a, b, b / a, goal }')"
}

stock_export() { dokku postgres:export db1 >"$dump" && sync "$dump"; }
our_export() { dokku backups:export db1; }
direct_export() {
  dokku --quiet backups:set db1 dump direct && dokku backups:export db1
  local rc=$?
  dokku --quiet backups:set db1 dump
  return $rc
}
stock_import() { dokku postgres:import db1 <"$dump"; }
our_import() { dokku --force backups:import db1 --latest --no-backup; }
by_hand() {
  local id
  id=$("$DOCKER" run --detach --network none --env POSTGRES_HOST_AUTH_METHOD=trust "postgres:$SANDBOX_PG_VERSION") || return 1
  until "$DOCKER" container exec "$id" pg_isready -q -h localhost -U postgres; do sleep 0.1; done
  "$DOCKER" container exec "$id" createdb -U postgres again &&
    "$DOCKER" container exec -i "$id" pg_restore --exit-on-error --no-owner --no-acl -U postgres -d again <"$dump"
  local rc=$?
  "$DOCKER" rm --force --volumes "$id"
  return $rc
}
our_verify() { dokku backups:verify db1 --latest; }

# Four tables and their indexes, as a service has them; db1's own table goes, so that the size is the one that is meant.
fill() { # fill MEGABYTES
  local table
  sql db1 db1 "DROP TABLE IF EXISTS items, one, two, three, four" >/dev/null
  for table in one two three four; do
    sql db1 db1 "CREATE TABLE $table AS SELECT g AS id, g % 1000 AS kind, md5(g::text) || md5((g * 7)::text) AS noise, repeat('calm ', 6) AS calm
      FROM generate_series(1, $(($1 * 1750))) g; ALTER TABLE $table ADD PRIMARY KEY (id); CREATE INDEX ON $table (kind); CREATE INDEX ON $table (noise)" >/dev/null
  done
  sql db1 db1 "CHECKPOINT" >/dev/null
}

dokku --quiet backups:set db1 verify-memory 2g >/dev/null 2>&1
for size in ${BENCH_DOCKER_MB:-1 100}; do
  fill "$size"
  stock_export && our_export >/dev/null 2>&1
  beside "export of $size MB" stock_export our_export 1.03
  beside "direct export of $size MB" stock_export direct_export "$( ((${SANDBOX_PG_VERSION%%.*} >= 16)) && echo 0.40 || echo 0.60)"
  beside "import of $size MB" stock_import our_import 0.85
  beside "verify of $size MB, dumped again" by_hand our_verify 1.00
  dokku --quiet backups:set db1 storage delta >/dev/null 2>&1
  our_export >/dev/null 2>&1
  sleep 1.1
  beside "export of $size MB as differences" stock_export our_export -
  beside "verify of $size MB from differences" by_hand our_verify -
  dokku --quiet backups:set db1 storage >/dev/null 2>&1
done
