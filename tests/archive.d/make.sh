#!/bin/sh
# Makes the archives in this folder with a real PostgreSQL (15 by default) and writes what the server itself counts into
# rows.tsv: file, schema, table, rows. Usage: make.sh [folder of initdb, postgres, pg_dump]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-/usr/lib/postgresql/15/bin}
if [ "$(id -u)" = 0 ]; then
    work=$(mktemp -d)
    cp "$here/make.sh" "$here/make.sql" "$work/"
    chown -R postgres "$work"
    su postgres -c "sh '$work/make.sh' '$bin'"
    cp "$work"/*.dump "$work"/*.sql "$work"/rows.tsv "$here/"
    rm -rf "$work"
    exit
fi
data=$(mktemp -d)
trap '"$bin/pg_ctl" -D "$data/db" -m immediate stop >/dev/null; rm -rf "$data"' EXIT
"$bin/initdb" -D "$data/db" -E UTF8 --locale=C.UTF-8 -A trust -U postgres >/dev/null
"$bin/pg_ctl" -D "$data/db" -o "-k $data -c listen_addresses= -c fsync=off" -l "$data/log" -w start >/dev/null
export PGHOST="$data" PGUSER=postgres
cd "$here"
psql -qX -c 'create database shop' -c "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0" \
    -c 'create database wide' -c 'create database nothing'
psql -qX -v ON_ERROR_STOP=1 -f make.sql shop >/dev/null
PGCLIENTENCODING=UTF8 psql -qX latin -c 'create table "tést" ("ñ" text)' -c "insert into \"tést\" values ('é'), ('ü')"
psql -qX -At wide -c "select 'create table wide (' || string_agg('c' || i || ' int', ',') || ')' from generate_series(1, 1600) i" |
    psql -qX wide
psql -qX wide -c 'insert into wide (c1, c1600) values (1, 2), (3, 4)'

: >rows.tsv
dump() { # file, database, options
    file=$1 base=$2
    shift 2
    "$bin/pg_dump" -Fc "$@" "$base" >"$file"
    PGCLIENTENCODING=UTF8 psql -qX -At -F "$(printf '\t')" "$base" >>rows.tsv <<SQL
select '$file', n.nspname, c.relname, (xpath('/row/n/text()', query_to_xml(
    format('select count(*) as n from %I.%I', n.nspname, c.relname), false, true, '')))[1]::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 2, 3
SQL
}
dump gzip.dump shop
dump none.dump shop -Z0
dump inserts.dump shop --inserts
dump rows-per-insert.dump shop --column-inserts --rows-per-insert=3 --on-conflict-do-nothing
dump root.dump shop --load-via-partition-root
dump data-only.dump shop --data-only
dump latin1.dump latin
dump wide.dump wide
dump nothing.dump nothing
"$bin/pg_dump" -Fc -f seekable.dump shop
grep '^gzip.dump' rows.tsv | sed 's/^gzip/seekable/' >seekable.tsv
cat seekable.tsv >>rows.tsv
rm seekable.tsv
"$bin/pg_dump" -Fc -s shop >schema-only.dump
"$bin/pg_dump" --no-owner shop >shop.sql
grep '^gzip.dump' rows.tsv | sed 's/^gzip.dump/shop.sql/' >shop.tsv
cat shop.tsv >>rows.tsv
rm shop.tsv
