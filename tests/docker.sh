#!/bin/bash
# Verification and restore on real containers: an engine of its own, an image from Debian's packages (scripts/docker-image),
# the stand-in Dokku in front of them. Needs root.
# Usage: tests/docker.sh [PART...]   (default: all of tests/docker.d/*.sh, in the order below)
# $DOKKU_BACKUPS_BINARY is what is tested (default: target/debug/dokku-backups). Where no engine can be started it says so
# and ends with 1, or with 0 where DOKKU_BACKUPS_TEST_DOCKER=if-possible. It ends by itself after seven minutes, or DOCKER_TEST_SECONDS.
# The part `bench` measures, and is run alone: make bench-docker.
# With DOKKU_BACKUPS_TEST_ENGINE=unix:///... that engine is used, and left running.
#
# shellcheck disable=SC2016,SC2034 # conditions in single quotes are run by check, where their variables hold
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 1
repository=$PWD
binary=$(realpath "${DOKKU_BACKUPS_BINARY:-target/debug/dokku-backups}")
# A new part is a file of its own: it finds the engine, the helpers below and the service db1, and leaves db1 as it was.
# `life` ends db1.
PARTS=(verification confinement hostile kills reports life)
((!$#)) || PARTS=("$@")
if [[ -z ${DOCKER_TEST_LIMITED:-} ]]; then
  export DOCKER_TEST_LIMITED=yes
  exec timeout --preserve-status --kill-after=60 "${DOCKER_TEST_SECONDS:-400}" "$repository/tests/docker.sh" "$@"
fi
DOCKER=/usr/bin/docker
work=$(mktemp -d /tmp/docker-test.XXXXXX)
chmod 755 "$work"
mkdir -m 777 "$work/open" # for what the stand-in's dokku user writes
host=$work/host engine='' passed=0 failed=0 out='' rc=0 before=0
export DOCKER

skip() {
  echo " !     Not tested on real containers: $*" >&2
  [[ ${DOKKU_BACKUPS_TEST_DOCKER:-} == if-possible ]]
  exit
}

# A busy machine: what was found until now stands.
late() {
  trap '' TERM
  echo " !     Not all tested on real containers, there was no time: $passed passed, $failed failed" >&2
  [[ $failed == 0 && ${DOKKU_BACKUPS_TEST_DOCKER:-} == if-possible ]]
  exit
}

finish() {
  # Nothing of ours outlives us, wherever it was stopped.
  [[ ! -S $work/socket ]] || "$DOCKER" ps --all --quiet | xargs -r "$DOCKER" rm --force --volumes >/dev/null 2>&1
  [[ ! -d $host ]] || "$repository/tests/sandbox" down "$host" >/dev/null 2>&1
  if [[ -n $engine ]]; then
    kill "$engine" 2>/dev/null
    wait "$engine" 2>/dev/null
  fi
  # What an engine that was killed has left mounted must not be emptied through its mount.
  grep -q " $work/" /proc/self/mounts || rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT HUP
trap late TERM

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

# Its own session, so that it outlives a signal to all of us; its own data, socket and pid file; no bridge and no firewall rules: the containers need no network.
engine_start() {
  ((EUID == 0)) || skip "an engine needs root"
  local dockerd driver
  dockerd=$(type -P dockerd || type -P /usr/sbin/dockerd) || skip "no dockerd (Debian's docker.io) on this machine"
  export DOCKER_HOST=unix://$work/socket
  for driver in overlay2 vfs; do
    setsid "$dockerd" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" --host "$DOCKER_HOST" \
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

packages
if [[ -n ${DOKKU_BACKUPS_TEST_ENGINE:-} ]]; then export DOCKER_HOST=$DOKKU_BACKUPS_TEST_ENGINE; else engine_start; fi
prepare
for part in "${PARTS[@]}"; do
  since=$SECONDS
  # shellcheck source=/dev/null
  . "tests/docker.d/$part.sh"
  measured "$part: $((SECONDS - since)) s"
done
echo "$passed passed, $failed failed, $SECONDS s in all"
((failed == 0))
