-- The database of the test archives: small, and odd wherever PostgreSQL lets it be.
create extension hstore;
create extension pg_trgm;
create schema "We ird";
create schema app;
create table public.users (id serial primary key, name text not null, note text);
insert into users (name, note)
select 'user ' || i, case when i % 3 = 0 then null else E'tab\there\nnewline \\ back\\. \r' || i end
from generate_series(1, 50) i;
create table "We ird"."T ""a"".b (c, d)" ("x, y" int, "Q""" text, "select" text);
insert into "We ird"."T ""a"".b (c, d)" select i, E'\\.', '\N' from generate_series(1, 7) i;
create table app.empty (a int, b int);
create table app.nocols ();
insert into app.nocols select from generate_series(1, 3);
create table app.one (a text);
insert into app.one values (E'\\.'), (''), (null), (E'a\nb'), (E'\t'), ('VALUES (1), (2); INSERT INTO x');
create table app.gen (a int, b int generated always as (a * 2) stored);
insert into app.gen select generate_series(1, 4);
create table app.ident (a int generated always as identity, b text);
insert into app.ident (b) select 'x' from generate_series(1, 5);
create table app.part (k int, v text) partition by range (k);
create table app.part1 partition of app.part for values from (0) to (10);
create table app.part2 partition of app.part for values from (10) to (100);
insert into app.part select i, 'v' from generate_series(0, 24) i;
create materialized view app.mv as select count(*) from users;
create view app.v as select * from users;
create function app.f(int) returns int language sql as $$ select $1; $$;
create sequence app.s;
select nextval('app.s');
comment on table users is 'people';
grant select on users to public;
select lo_from_bytea(0, 'hello'), lo_from_bytea(0, ''), lo_from_bytea(4000000000, '\x00ff0a5c2e');
create table app.big (id int, t text, b bytea);
insert into app.big select 1, repeat(E'x\n\\', 500), decode(repeat('0a5c2e', 300), 'hex');
