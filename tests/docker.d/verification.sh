# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# What a verification does and may do, what it leaves, and too little memory for it.

verification() {
  local facts container verify
  try dokku backups:export db1
  check "export" '[[ $rc == 0 ]]'
  measured "export $took ms"
  dokku backups:verify db1 --latest >"$work/verify" 2>&1 &
  verify=$!
  check "a disposable comes up" 'await 30 "(( \$(disposables) == 1 ))"'
  container=$("$DOCKER" ps --all --quiet --filter label=dokku-backups.disposable)
  facts=$("$DOCKER" inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}} {{.Config.Image}}' "$container")
  check "no network, bounded memory and processes, the service's image" '[[ $facts == "none 1073741824 1073741824 256 no postgres:$SANDBOX_PG_VERSION" ]]'
  facts=$("$DOCKER" inspect -f '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}}' "$container")
  check "attack_425: no privileges" '[[ $facts == "postgres true [ALL] [] [no-new-privileges] false" ]]'
  wait "$verify"
  rc=$? out=$(<"$work/verify")
  check "it restores" '[[ $rc == 0 && $out == *Restorable* && $(trust) == *restorable* ]]'
  try dokku backups:verify db1 --latest
  measured "verify $took ms"
  check "and again" '[[ $rc == 0 ]]'
  check "nothing is left of either" '(( $(disposables) == 0 && $(volumes) == before ))'
}

# By the program in the container: what Docker passes on of its output is all of it.
# Differences, over real containers: made, read back, restored from, and given another base.
differences() {
  local first second size good
  dokku --quiet backups:set db1 storage delta >/dev/null 2>&1
  first=$(dokku --quiet backups:export db1 2>/dev/null)
  sql db1 db1 "UPDATE items SET name = 'changed ' || id WHERE id % 1000 = 3" >/dev/null
  second=$(dokku --quiet backups:export db1 2>/dev/null)
  size=$(stat -c %s "$host/var/lib/dokku/data/backups/postgres/db1/$second.dump.delta" 2>/dev/null)
  whole=$(stat -c %s "$host/var/lib/dokku/data/backups/postgres/db1/$first.dump.zst" 2>/dev/null)
  check "row_071: differences are stored" '(( size > 0 && size * 20 < whole ))'
  measured "a delta of $size bytes, its whole $whole"
  try dokku backups:verify db1 --id "$second"
  check "row_071: a delta restores" '[[ $rc == 0 && $out == *Restorable* ]]'
  good=$(content db1)
  sql db1 db1 "DELETE FROM items WHERE id > 10" >/dev/null
  try dokku --force backups:import db1 --id "$second"
  check "row_071: a delta is imported" '[[ $rc == 0 && $(content db1) == "$good" ]]'
  try dokku --force backups:delete db1 --id "$first"
  check "row_071: what leans on a deleted backup stays" '[[ $rc == 0 && $out == *anew* ]]'
  try dokku backups:verify db1 --id "$second"
  check "row_071: and restores" '[[ $rc == 0 ]]'
  dokku --quiet backups:set db1 storage >/dev/null 2>&1
}

direct() {
  local stock
  try dokku backups:export db1
  measured "a stock export $took ms"
  stock=$took
  dokku --quiet backups:set db1 dump direct >/dev/null 2>&1
  try dokku backups:export db1 --verify
  check "row_073: a direct dump restores" '[[ $rc == 0 && $(trust) == *restorable* ]]'
  try dokku backups:export db1
  measured "a direct dump $took ms, stock $stock ms"
  check "row_073: and again" '[[ $rc == 0 ]]'
  dokku --quiet backups:set db1 dump >/dev/null 2>&1
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

verification
direct
differences
memory
