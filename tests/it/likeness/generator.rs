//! Databases of every shape: a core that is always there, for the tamperings, and around it whatever a seed brings.

use std::fmt::Write;

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).expect("small")]
    }

    fn once_in(&mut self, many: u64) -> bool {
        self.roll(many) == 0
    }
}

/// A type, and an expression over `g` that gives a value of it.
const TYPES: [(&str, &str); 34] = [
    ("int", "g * 7919 % 1000"),
    ("smallint", "g % 300"),
    ("bigint", "g::bigint * 9007199254740993"),
    ("numeric(20,5)", "g / 7.0"),
    ("numeric", "case when g % 9 = 0 then 'NaN' else g::numeric ^ 20 end"),
    ("real", "g / 3.0"),
    ("double precision", "case g % 7 when 0 then 'Infinity' when 1 then '-0' else exp(g % 100) end"),
    ("text", "repeat(md5(g::text), g % 4)"),
    ("text", "E'tab\\there\\\\ line\\nend \\r é \\u2603' || g"),
    ("varchar(40)", "substr(md5(g::text), 1, 1 + g % 30)"),
    ("char(5)", "substr(md5(g::text), 1, g % 5)"),
    ("\"char\"", "chr(65 + g % 20)::\"char\""),
    ("bool", "g % 2 = 0"),
    ("date", "date '2024-02-28' + g"),
    ("time", "time '00:00' + g * interval '7 min'"),
    ("timetz", "timetz '00:00+02' + g * interval '7 min'"),
    ("timestamp", "timestamp '0044-03-15 BC' + g * interval '1 week'"),
    ("timestamptz", "timestamptz '2024-03-30 22:00+00' + g * interval '13 min'"),
    ("interval", "g * interval '1 day 3 min -1 month'"),
    ("uuid", "md5(g::text)::uuid"),
    ("bytea", "decode(md5(g::text), 'hex') || '\\x00ff'::bytea"),
    ("json", "json_build_object('a', g, 'b', array[g, null])"),
    ("jsonb", "jsonb_build_object('b', g, 'a', md5(g::text))"),
    ("xml", "xmlelement(name a, g)"),
    ("int[]", "array[g, null, g % 5]"),
    ("text[]", "array['', 'a\"b', null, E'x\\\\y', '{' || g || '}']"),
    ("inet", "'10.0.0.0'::inet + g"),
    ("macaddr", "'08:00:2b:01:02:03'::macaddr"),
    ("point", "point(g, g / 3.0)"),
    ("polygon", "polygon(circle(point(g, 1), 2))"),
    ("tsvector", "to_tsvector('simple', 'word' || g || ' other')"),
    ("tstzrange", "tstzrange('2024-01-01Z', timestamptz '2024-01-01Z' + g * interval '1 day', '[]')"),
    ("bit varying(8)", "(g % 200)::bit(8)::varbit"),
    ("money", "(g % 1000)::money"),
];

/// SQL that fills an empty database.
pub(in super::super) fn database(seed: u64) -> String {
    let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut sql = CORE.to_owned();
    let many = 1 + dice.roll(5);
    for number in 0..many {
        table(&mut sql, dice, number);
    }
    partitioned(&mut sql, dice);
    inherited(&mut sql, dice);
    for extra in EXTRAS {
        if dice.once_in(2) {
            sql.push_str(extra);
        }
    }
    sql
}

/// A table of some columns and rows, with what hangs on it.
fn table(sql: &mut String, dice: &mut Dice, number: u64) {
    let name = *dice.pick(&["t", "\"Odd Table\"", "\"tab\"\"le\"", "\"größe\"", "select_", "x.y", "\"a.b\""]);
    let name = if name == "x.y" {
        format!("s.y{number}")
    } else if let Some(bare) = name.strip_suffix('"') {
        format!("{bare}{number}\"")
    } else {
        format!("{name}{number}")
    };
    let columns: Vec<(&str, &str)> = (0..1 + dice.roll(7)).map(|_| *dice.pick(&TYPES)).collect();
    let _ = write!(sql, "create {} table {name} (id int", dice.pick(&["", "", "", "unlogged"]));
    for (column, (kind, _)) in columns.iter().enumerate() {
        let _ = write!(sql, ", c{column} {kind}");
        if *kind == "varchar(40)" && dice.once_in(2) {
            let _ = write!(sql, " default 'a' check (c{column} not in ('never', 'ever'))");
        }
        if *kind == "int" && dice.once_in(3) {
            let _ = write!(sql, " default (1 + 2) check (c{column} between 0 and 1000 or c{column} is null)");
        }
    }
    sql.push_str(match dice.roll(4) {
        0 => ", primary key (id)",
        1 => ", unique (id) deferrable initially deferred",
        2 => ", d int generated always as (id * 2 + 1) stored",
        _ => ", constraint \"odd check\" check (id > 0 and id < 1000000)",
    });
    sql.push_str(");\n");
    let names: String = (0..columns.len()).map(|column| format!(", c{column}")).collect();
    let values = columns.iter().map(|(_, value)| {
        if dice.once_in(3) {
            format!(", case when g % {} = 0 then null else {value} end", 2 + dice.roll(5))
        } else {
            format!(", {value}")
        }
    });
    let values: String = values.collect();
    let rows = *dice.pick(&[0, 1, 3, 40, 400]);
    let _ = writeln!(sql, "insert into {name} (id{names}) select g{values} from generate_series(1, {rows}) g;");
    hangings(sql, dice, &name, number);
}

/// What hangs on the table `name`: indexes, comments, views, policies, triggers, rules.
fn hangings(sql: &mut String, dice: &mut Dice, name: &str, number: u64) {
    if dice.once_in(2) {
        let _ = writeln!(sql, "create index on {name} ((id % 7), id) where id > 3;");
    }
    if dice.once_in(2) {
        let _ = writeln!(
            sql,
            "comment on table {name} is E'it''s \\\\ one\\nof two lines'; comment on column {name}.id is 'é';"
        );
    }
    if dice.once_in(3) {
        let _ = writeln!(
            sql,
            "create view s.v{number} as select id, count(*) over (order by id) from {name} where id::text <> '7';"
        );
        let _ = writeln!(
            sql,
            "create materialized view s.m{number} as select * from s.v{number}{};",
            dice.pick(&["", " with no data"])
        );
    }
    if dice.once_in(3) {
        let _ = writeln!(
            sql,
            "alter table {name} enable row level security; create policy p{number} on {name} for select using (id > 1);"
        );
    }
    if dice.once_in(3) {
        let when = dice.pick(&["before insert", "after update of id", "after delete"]);
        let _ = writeln!(sql, "create trigger g{number} {when} on {name} for each row execute function s.eats();");
        let _ = writeln!(
            sql,
            "alter table {name} {} trigger g{number};",
            dice.pick(&["enable", "disable", "enable always", "enable replica"])
        );
    }
    if dice.once_in(4) {
        let _ = writeln!(sql, "create rule r{number} as on delete to {name} do instead nothing;");
    }
    if dice.once_in(4) {
        let _ =
            writeln!(sql, "alter table {name} replica identity full; alter table {name} alter id set statistics 50;");
    }
}

fn partitioned(sql: &mut String, dice: &mut Dice) {
    let (by, parts): (&str, &[&str]) = match dice.roll(3) {
        0 => ("range (k)", &["for values from (0) to (10)", "for values from (10) to (20)", "default"]),
        1 => ("list (k)", &["for values in (1, 2, 3)", "for values in (4)", "default"]),
        _ => ("hash (k)", &["for values with (modulus 2, remainder 0)", "for values with (modulus 2, remainder 1)"]),
    };
    let _ = writeln!(sql, "create table parted (k int not null, t text) partition by {by};");
    for (number, part) in parts.iter().enumerate() {
        let _ = writeln!(sql, "create table parted_{number} partition of parted {part};");
    }
    sql.push_str(
        "create index on parted (t); alter table parted add constraint parted_t_check check (t <> 'never');\n",
    );
    let _ =
        writeln!(sql, "insert into parted select g % 25, md5(g::text) from generate_series(1, {}) g;", dice.roll(300));
    if dice.once_in(2) {
        // Columns in another order than the root has them.
        sql.push_str("alter table parted detach partition parted_0; drop table parted_0; create table parted_0 (t text, k int not null, constraint parted_t_check check (t <> 'never'));\n");
        let _ = writeln!(sql, "alter table parted attach partition parted_0 {};", parts[0]);
    }
}

fn inherited(sql: &mut String, dice: &mut Dice) {
    sql.push_str(
        "create table parent (a int default 1, b text not null); create table child (c date) inherits (parent);\n",
    );
    sql.push_str("insert into parent select g, 'p' || g from generate_series(1, 20) g; insert into child select g, 'c', '2024-01-01' from generate_series(1, 30) g;\n");
    if dice.once_in(2) {
        // After a restore its columns come in the parent's order.
        sql.push_str("create schema odd; create table odd.late (c int, b text not null, a int default 1); insert into odd.late values (1, 'x', 2); alter table odd.late inherit parent;\n");
    }
}

const CORE: &str = r#"
set client_min_messages = warning;
create schema s;
create type s.mood as enum ('sad', 'ok');
create type s.pair as (a int, b text);
create domain s.positive as int check (value > 0);
create collation s.bytes from "C";
create function s.eats() returns trigger language plpgsql as $f$ begin return null; end $f$;
create function s.twice(x int default 2) returns int language sql immutable as $$ select $1 * 2 $$;
create function s.atomic(x int) returns int language sql begin atomic select x + 1; end;
create procedure s.does() language plpgsql as $$ begin perform 1; end $$;
create aggregate s.total(int) (sfunc = int4pl, stype = int, initcond = '0');
create operator s.### (leftarg = int, rightarg = int, function = int4pl);
create operator s.### (leftarg = text, rightarg = text, function = textcat);
create sequence s.counter start 5 increment 3 cache 10; select nextval('s.counter'), nextval('s.counter');
create table s.main (
  id int generated always as identity primary key,
  n int not null default 7,
  t varchar(20) constraint known check (t in ('a', 'b', 'c')),
  v varchar(20),
  m s.mood, p s.pair, d s.positive,
  double int generated always as (n * 2) stored
);
insert into s.main (n, t, v, m, p, d)
  select g % 10, (array['a', 'b', 'c'])[1 + g % 3], 'v' || g, 'ok', row(g, 'x')::s.pair, g from generate_series(1, 60) g;
create table s.other (main int not null references s.main on delete cascade, note text, unique (main, note));
insert into s.other select g, 'n' from generate_series(1, 30) g;
create index main_v on s.main (lower(v)) include (n) where n > 1;
create statistics s.both (dependencies) on n, t from s.main;
comment on table s.main is 'the main one'; comment on column s.main.n is 'a number'; comment on function s.twice(int) is 'doubles';
create trigger eaten before insert on s.other for each row when (new.note = 'never') execute function s.eats();
create rule quiet as on update to s.other where new.note = 'never' do instead nothing;
alter table s.main enable row level security; create policy owned on s.main using (n > 0) with check (n < 100);
create view s.seen with (security_barrier) as select m.id, m.t::text as t, o.note from s.main m left join s.other o on o.main = m.id where (m.t in ('a', 'b') or m.n > 3) and m.id > 0;
create view s.checked as select id, n, t, v, m, d from s.main where n < 50 with local check option;
create materialized view s.counted as select t, count(*) from s.main group by t; create unique index on s.counted (t);
select lo_from_bytea(4711, '\x010203'), lo_from_bytea(4712, decode(repeat('ab', 5000), 'hex'));
comment on large object 4711 is 'a large one';
create publication told for table s.main, s.other with (publish = 'insert');
"#;

const EXTRAS: [&str; 9] = [
    "create text search configuration s.simple_one (copy = pg_catalog.simple);\n",
    "create function s.of_mood(s.mood) returns int language sql immutable as 'select 1'; create cast (s.mood as int) with function s.of_mood(s.mood);\n",
    "create function s.watches() returns event_trigger language plpgsql as 'begin end'; create event trigger watched on ddl_command_end when tag in ('CREATE TABLE') execute function s.watches();\n",
    "alter table s.main cluster on main_pkey; alter table s.main alter v set storage external;\n",
    "alter default privileges in schema s grant select on tables to public; grant select on s.main to public;\n",
    "create table s.empty (); insert into s.empty default values; insert into s.empty default values;\n",
    "create foreign data wrapper nothing; create server away foreign data wrapper nothing options (a 'b''c'); create foreign table s.far (x int options (c 'd')) server away;\n",
    "alter table s.other drop constraint other_main_fkey; alter table s.other add foreign key (main) references s.main not valid;\n",
    "alter table s.main drop column p; alter table s.main add column p2 s.pair default row(1, 'z');\n",
];
