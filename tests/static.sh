#!/bin/bash
# A release's binary where there is nothing else: in an empty root directory it says its version; with the least that a
# host has (a user, a resolver, a certificate, and a `dokku` that answers) it makes a backup, looks up a name, shakes
# hands over TLS and brings a copy to a real S3 server. Needs root and busybox (Debian: busybox-static).
# Usage: tests/static.sh BINARY [EMULATOR]   EMULATOR: a static qemu-user for a binary of another machine
#
# shellcheck disable=SC2016 # conditions in single quotes are run by check, where their variables hold
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 1
(($# >= 1)) || { echo "usage: tests/static.sh BINARY [EMULATOR]" >&2 && exit 2; }
((EUID == 0)) || { echo " !     only root may change the root directory" >&2 && exit 1; }
work=$(mktemp -d /tmp/static-test.XXXXXX)
chmod 755 "$work"
root=$work/root store=$work/store passed=0 failed=0 out='' rc=0
servers=()
finish() {
  ((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

check() { # check WHAT CONDITION: the condition is shell text, so that a failure can show it
  if eval "$2"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n  rc=%s out=%s\n' "$1" "$2" "$rc" "$out"
  fi
}

run=(/dokku-backups)
mkdir "$root"
cp "$1" "$root/dokku-backups"
if [[ -n "${2:-}" ]]; then
  cp "$2" "$root/emulator"
  run=(/emulator /dokku-backups)
fi
# Nothing of the caller's environment either.
inside() {
  out=$(env -i PATH=/bin DOKKU_SYSTEM_USER=backups SSL_CERT_FILE=/etc/certificate.pem /usr/sbin/chroot "$root" "${run[@]}" "$@" 2>&1 <<<"${input:-}")
  rc=$?
}

inside backups:version
check "it says its version in an empty root" '[[ $rc == 0 && "$out" == "dokku-backups "* ]]'

# What the caller of a plugin has at least.
busybox=$(type -P busybox) || { echo " !     busybox is missing: apt-get install busybox-static" >&2 && exit 1; }
mkdir -p "$root"/{bin,dev,etc,tmp,proc,var/lib/dokku/{services/postgres/shop,data,config}}
mount -t proc none "$root/proc" && trap 'umount "$root/proc"; finish' EXIT
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/urandom" c 1 9
cp "$busybox" "$root/bin/busybox"
for program in sh cat; do ln -s busybox "$root/bin/$program"; done
echo 'backups:x:61234:61234::/tmp:/bin/sh' >"$root/etc/passwd"
echo 'backups:x:61234:' >"$root/etc/group"
chmod 1777 "$root/tmp"
cp tests/archive.d/gzip.dump "$root/dump"
cat >"$root/bin/dokku" <<'SCRIPT'
#!/bin/sh
case $1 in
  postgres:info) printf '%s\n' "       Dsn: postgres://postgres:secret@dokku-postgres-shop:5432/shop" "       Status: running" "       Version: postgres:15.1" ;;
  postgres:list) echo shop ;;
  postgres:export) exec cat /dump ;;
  *) exit 1 ;;
esac
SCRIPT
chmod 755 "$root/bin/dokku"
chown -R 61234:61234 "$root/var/lib/dokku"

mkdir -p "$store/users"
echo >"$store/users/$$"
tests/s3.d/ceph "$store" >"$work/store.out" 2>&1 &
servers+=($!)
for _ in {1..1200}; do [[ -e "$store/ready" ]] || sleep 0.1; done
{ read -r address && read -r key_id && read -r secret && read -r tls; } <"$store/ready" || { cat "$work/store.out" && exit 1; }
cp "$store/certificate.pem" "$root/etc/certificate.pem"
# curl 7.88 sends no hash of the body by itself, and Ceph wants one.
ask() { curl -sS --fail -H x-amz-content-sha256:UNSIGNED-PAYLOAD --aws-sigv4 aws:amz:us-east-1:s3 --user "$key_id:$secret" "$@"; }
ask -X PUT "$address/copies" || exit 1

# A resolver that knows one name.
python3 - "$work/resolver" <<'PY' &
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.53.53.53", 53))
open(sys.argv[1], "w").close()
while True:
    query, caller = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    known = query[12:end - 4].lower() == b"\x05store\x04test\0"
    kind = query[end - 4:end - 2]
    answers = known and kind == b"\0\x01"
    head = query[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\x01" + (b"\0\x01" if answers else b"\0\0") + b"\0\0\0\0"
    answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01" if answers else b""
    server.sendto(head + query[12:end] + answer, caller)
PY
servers+=($!)
for _ in {1..100}; do [[ -e "$work/resolver" ]] || sleep 0.05; done
echo 'nameserver 127.53.53.53' >"$root/etc/resolv.conf"

inside trigger:install
check "it is installed" '[[ $rc == 0 ]]'
input=$secret inside backups:set --global destination-secret -
check "set destination-secret" '[[ $rc == 0 ]]'
for pair in "private-addresses 127.0.0.0/8" "destination-endpoint https://store.test:$tls" "destination-key-id $key_id" \
  "destination s3://copies/here"; do
  # shellcheck disable=SC2086 # two words
  inside backups:set --global $pair
  check "set ${pair%% *}" '[[ $rc == 0 ]]'
done
inside backups:export shop
check "a backup is made and copied" '[[ $rc == 0 ]]'
id=${out##*$'\n'}
inside backups:info shop --id "$id" --format json
check "its copy is at the store" '[[ $rc == 0 && "$out" == *"\"state\": \"stored\""* || "$out" == *"\"state\":\"stored\""* ]]'
ask "$address/copies/here/postgres/shop/$id.dump" >"$work/copy"
check "with the same bytes" 'cmp -s "$work/copy" "$root/dump"'
rm "$root/var/lib/dokku/data/backups/postgres/shop/$id.dump"
inside backups:download shop --id "$id" --output /tmp/back
check "and comes back" '[[ $rc == 0 ]] && cmp -s "$root/tmp/back" "$root/dump"'
echo 'nameserver 127.53.53.54' >"$root/etc/resolv.conf"
inside backups:list shop --format json
check "what is there is listed without a resolver" '[[ $rc == 0 && "$out" == *"$id"* ]]'

echo "static: $passed passed, $failed failed"
((failed == 0))
