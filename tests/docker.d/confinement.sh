# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # conditions in single quotes are run by check; docker.sh has the rest
# attack_425: what a dump can make of a disposable database: nothing of the host, and little of its disk.

# variant NAME LINES: the image with some lines more, as postgres:VERSION-NAME.
variant() {
  printf 'FROM postgres:%s\n%s\n' "$SANDBOX_PG_VERSION" "$2" |
    "$DOCKER" build --quiet --network none --tag "postgres:$SANDBOX_PG_VERSION-$1" - >/dev/null
}

# service NAME IMAGE-SUFFIX SQL: a service of its own with a backup.
service() {
  dokku postgres:create "$1" --image-version "$SANDBOX_PG_VERSION$2" >/dev/null 2>&1
  sql "$1" "$1" "$3" >/dev/null
  dokku backups:export "$1" >/dev/null 2>&1
}

gone() {
  dokku --force postgres:destroy "$1" --skip-backup-check >/dev/null 2>&1
}

# Of other makes than the official one: with a place of its own for the data, or with an entry point that wants to be root.
images() {
  local major=${SANDBOX_PG_VERSION%%.*}
  variant elsewhere "ENV PGDATA=/var/lib/postgresql/$major/docker
VOLUME /var/lib/postgresql"
  variant root 'ENTRYPOINT ["bash", "-c", "((EUID == 0)) && exec docker-entrypoint.sh \"$@\"", "bash"]'
  variant nobody 'RUN ["sed", "-i", "s/^postgres:/pg:/", "/etc/passwd", "/etc/group"]
RUN ["sed", "-i", "s/postgres --regid=postgres/pg --regid=pg/; s/user postgres -exec chown postgres/user pg -exec chown pg/", "/usr/local/bin/docker-entrypoint.sh"]'
  for image in elsewhere root nobody; do
    service db3 "-$image" "CREATE TABLE items AS SELECT g AS id FROM generate_series(1, 1000) g"
    try dokku backups:verify db3 --latest
    check "$image: restorable" '[[ $rc == 0 && $out == *Restorable* ]]'
    try dokku backups:logs db3 --latest
    if [[ $image == elsewhere ]]; then
      check "$image: confined like any other" '[[ $out != *"does not come up as postgres"* ]]'
    else
      check "$image: the log says so" '[[ $out == *"does not come up as postgres on a read-only file system"* ]]'
    fi
    gone db3
  done
  check "images: nothing is left" '(( $(disposables) == 0 && $(volumes) == before ))'
}

# A constraint's function that writes for as long as it is let, anywhere but at home.
greedy() { # HOW-IT-WRITES
  printf 'CREATE FUNCTION greedy(int) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN
    IF current_setting($$autovacuum$$) = $$off$$ THEN %s; END IF; RETURN true; END $f$;
    CREATE TABLE few (id int CHECK (public.greedy(id))); INSERT INTO few VALUES (1)' "$1"
}

disk() {
  local how container facts verify most name=disk
  for how in 'CREATE TABLE public.junk AS SELECT g, repeat(md5(g::text), 100) AS it FROM generate_series(1, 1000000000) g' \
    'COPY (SELECT 1) TO PROGRAM $$dd if=/dev/zero of=junk bs=1M$$'; do
    # A name of its own: beside the backups of another database by that name this one would look suspicious.
    name=${name}x
    service "$name" "" "$(greedy "$how")"
    dokku --quiet backups:set "$name" verify-disk 400m >/dev/null 2>&1
    dokku backups:verify "$name" --latest >"$work/verify" 2>&1 &
    verify=$!
    check "disk: a disposable comes up" 'await 30 "(( \$(disposables) == 1 ))"'
    container=$("$DOCKER" ps --all --quiet --filter label=dokku-backups.disposable)
    check "disk: the server is up" 'await 30 "\"\$DOCKER\" exec $container pg_isready -q -h localhost"'
    facts=$("$DOCKER" exec "$container" bash -c 'id -un; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status | tr -d "\n\t"; echo; ls /sys/class/net
      for at in /x /usr/bin/x /etc/x /var/lib/x /root/x; do ! : >$at || echo "wrote $at"; done' 2>/dev/null)
    check "disk: nobody, without a right, a way out or a place to write" \
      '[[ $facts == postgres$'"'\\n'"'*CapEff:0000000000000000*CapBnd:0000000000000000*NoNewPrivs:1*lo && $facts != *wrote* ]]'
    most=0
    while kill -0 "$verify" 2>/dev/null; do
      used=$(du -sm "$work/data/volumes" 2>/dev/null | cut -f1)
      ((${used:-0} <= most)) || most=$used
      sleep 0.2
    done
    wait "$verify"
    rc=$? out=$(<"$work/verify")
    measured "disk: ended at most at $most MiB"
    # A server that may not run programs says so instead.
    check "disk: ended in time" '[[ $rc == 1 && $out == *"needs more than 400.0 MiB of disk"* && $out == *verify-disk* || $rc == 6 && $how == *PROGRAM* ]]'
    check "disk: it says nothing about the backup" \
      '[[ $rc == 6 ]] || dokku backups:info $name --latest --format json | grep -q "\"trust\": *\"created\""'
    check "disk: nothing is left" '(( $(disposables) == 0 && $(volumes) == before ))'
    gone "$name"
  done
}

# Docker would keep all that a server says.
flood() {
  service db3 "" "$(greedy "FOR i IN 1..300000 LOOP RAISE LOG '%', repeat('flood ', 100); END LOOP")"
  dokku backups:verify db3 --latest >"$work/verify" 2>&1 &
  local verify=$! size largest=0
  while kill -0 "$verify" 2>/dev/null; do
    for log in "$work"/data/containers/*/*-json.log*; do
      size=$(stat -c %s "$log" 2>/dev/null) || continue
      ((size <= largest)) || largest=$size
    done
    sleep 0.1
  done
  wait "$verify"
  rc=$? out=$(<"$work/verify")
  check "flood: it restores" '[[ $rc == 0 ]]'
  measured "flood: the largest log has $largest bytes"
  check "flood: what is said is bounded" '((largest > 0 && largest < 3000000))'
  gone db3
}

images
disk
flood
