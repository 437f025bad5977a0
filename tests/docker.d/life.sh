# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# The gate, fork, a stopped service, the end of one.

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

others
