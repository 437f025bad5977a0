--
-- PostgreSQL database dump
--

\restrict 3bO4weod3cFpSkbu8wN5U93tN6DvbNZzVDYbVPpe6YtMMBdHDvHxGBjpzlMbi69

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: We ird; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA "We ird";


--
-- Name: app; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA app;


--
-- Name: hstore; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;


--
-- Name: EXTENSION hstore; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION hstore IS 'data type for storing sets of (key, value) pairs';


--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


--
-- Name: f(integer); Type: FUNCTION; Schema: app; Owner: -
--

CREATE FUNCTION app.f(integer) RETURNS integer
    LANGUAGE sql
    AS $_$ select $1; $_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: T "a".b (c, d); Type: TABLE; Schema: We ird; Owner: -
--

CREATE TABLE "We ird"."T ""a"".b (c, d)" (
    "x, y" integer,
    "Q""" text,
    "select" text
);


--
-- Name: big; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.big (
    id integer,
    t text,
    b bytea
);


--
-- Name: empty; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.empty (
    a integer,
    b integer
);


--
-- Name: gen; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.gen (
    a integer,
    b integer GENERATED ALWAYS AS ((a * 2)) STORED
);


--
-- Name: ident; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.ident (
    a integer NOT NULL,
    b text
);


--
-- Name: ident_a_seq; Type: SEQUENCE; Schema: app; Owner: -
--

ALTER TABLE app.ident ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME app.ident_a_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id integer NOT NULL,
    name text NOT NULL,
    note text
);


--
-- Name: TABLE users; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.users IS 'people';


--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: app; Owner: -
--

CREATE MATERIALIZED VIEW app.mv AS
 SELECT count(*) AS count
   FROM public.users
  WITH NO DATA;


--
-- Name: nocols; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.nocols (
);


--
-- Name: one; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.one (
    a text
);


--
-- Name: part; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.part (
    k integer,
    v text
)
PARTITION BY RANGE (k);


--
-- Name: part1; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.part1 (
    k integer,
    v text
);


--
-- Name: part2; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.part2 (
    k integer,
    v text
);


--
-- Name: s; Type: SEQUENCE; Schema: app; Owner: -
--

CREATE SEQUENCE app.s
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: v; Type: VIEW; Schema: app; Owner: -
--

CREATE VIEW app.v AS
 SELECT users.id,
    users.name,
    users.note
   FROM public.users;


--
-- Name: users_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.users_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: users_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;


--
-- Name: part1; Type: TABLE ATTACH; Schema: app; Owner: -
--

ALTER TABLE ONLY app.part ATTACH PARTITION app.part1 FOR VALUES FROM (0) TO (10);


--
-- Name: part2; Type: TABLE ATTACH; Schema: app; Owner: -
--

ALTER TABLE ONLY app.part ATTACH PARTITION app.part2 FOR VALUES FROM (10) TO (100);


--
-- Name: users id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);


--
-- Name: 16657; Type: BLOB; Schema: -; Owner: -
--

SELECT pg_catalog.lo_create('16657');


--
-- Name: 16658; Type: BLOB; Schema: -; Owner: -
--

SELECT pg_catalog.lo_create('16658');


--
-- Name: 4000000000; Type: BLOB; Schema: -; Owner: -
--

SELECT pg_catalog.lo_create('4000000000');


--
-- Data for Name: T "a".b (c, d); Type: TABLE DATA; Schema: We ird; Owner: -
--

COPY "We ird"."T ""a"".b (c, d)" ("x, y", "Q""", "select") FROM stdin;
1	\\.	\\N
2	\\.	\\N
3	\\.	\\N
4	\\.	\\N
5	\\.	\\N
6	\\.	\\N
7	\\.	\\N
\.


--
-- Data for Name: big; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.big (id, t, b) FROM stdin;
1	x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\x\n\\	\\x0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e
\.


--
-- Data for Name: empty; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.empty (a, b) FROM stdin;
\.


--
-- Data for Name: gen; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.gen (a) FROM stdin;
1
2
3
4
\.


--
-- Data for Name: ident; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.ident (a, b) FROM stdin;
1	x
2	x
3	x
4	x
5	x
\.


--
-- Data for Name: nocols; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.nocols  FROM stdin;



\.


--
-- Data for Name: one; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.one (a) FROM stdin;
\\.

\N
a\nb
\t
VALUES (1), (2); INSERT INTO x
\.


--
-- Data for Name: part1; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.part1 (k, v) FROM stdin;
0	v
1	v
2	v
3	v
4	v
5	v
6	v
7	v
8	v
9	v
\.


--
-- Data for Name: part2; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.part2 (k, v) FROM stdin;
10	v
11	v
12	v
13	v
14	v
15	v
16	v
17	v
18	v
19	v
20	v
21	v
22	v
23	v
24	v
\.


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.users (id, name, note) FROM stdin;
1	user 1	tab\there\nnewline \\ back\\. \r1
2	user 2	tab\there\nnewline \\ back\\. \r2
3	user 3	\N
4	user 4	tab\there\nnewline \\ back\\. \r4
5	user 5	tab\there\nnewline \\ back\\. \r5
6	user 6	\N
7	user 7	tab\there\nnewline \\ back\\. \r7
8	user 8	tab\there\nnewline \\ back\\. \r8
9	user 9	\N
10	user 10	tab\there\nnewline \\ back\\. \r10
11	user 11	tab\there\nnewline \\ back\\. \r11
12	user 12	\N
13	user 13	tab\there\nnewline \\ back\\. \r13
14	user 14	tab\there\nnewline \\ back\\. \r14
15	user 15	\N
16	user 16	tab\there\nnewline \\ back\\. \r16
17	user 17	tab\there\nnewline \\ back\\. \r17
18	user 18	\N
19	user 19	tab\there\nnewline \\ back\\. \r19
20	user 20	tab\there\nnewline \\ back\\. \r20
21	user 21	\N
22	user 22	tab\there\nnewline \\ back\\. \r22
23	user 23	tab\there\nnewline \\ back\\. \r23
24	user 24	\N
25	user 25	tab\there\nnewline \\ back\\. \r25
26	user 26	tab\there\nnewline \\ back\\. \r26
27	user 27	\N
28	user 28	tab\there\nnewline \\ back\\. \r28
29	user 29	tab\there\nnewline \\ back\\. \r29
30	user 30	\N
31	user 31	tab\there\nnewline \\ back\\. \r31
32	user 32	tab\there\nnewline \\ back\\. \r32
33	user 33	\N
34	user 34	tab\there\nnewline \\ back\\. \r34
35	user 35	tab\there\nnewline \\ back\\. \r35
36	user 36	\N
37	user 37	tab\there\nnewline \\ back\\. \r37
38	user 38	tab\there\nnewline \\ back\\. \r38
39	user 39	\N
40	user 40	tab\there\nnewline \\ back\\. \r40
41	user 41	tab\there\nnewline \\ back\\. \r41
42	user 42	\N
43	user 43	tab\there\nnewline \\ back\\. \r43
44	user 44	tab\there\nnewline \\ back\\. \r44
45	user 45	\N
46	user 46	tab\there\nnewline \\ back\\. \r46
47	user 47	tab\there\nnewline \\ back\\. \r47
48	user 48	\N
49	user 49	tab\there\nnewline \\ back\\. \r49
50	user 50	tab\there\nnewline \\ back\\. \r50
\.


--
-- Name: ident_a_seq; Type: SEQUENCE SET; Schema: app; Owner: -
--

SELECT pg_catalog.setval('app.ident_a_seq', 5, true);


--
-- Name: s; Type: SEQUENCE SET; Schema: app; Owner: -
--

SELECT pg_catalog.setval('app.s', 1, true);


--
-- Name: users_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.users_id_seq', 50, true);


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('16657', 131072);
SELECT pg_catalog.lowrite(0, '\x68656c6c6f');
SELECT pg_catalog.lo_close(0);

SELECT pg_catalog.lo_open('16658', 131072);
SELECT pg_catalog.lo_close(0);

SELECT pg_catalog.lo_open('4000000000', 131072);
SELECT pg_catalog.lowrite(0, '\x00ff0a5c2e');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.users TO PUBLIC;


--
-- Name: mv; Type: MATERIALIZED VIEW DATA; Schema: app; Owner: -
--

REFRESH MATERIALIZED VIEW app.mv;


--
-- PostgreSQL database dump complete
--

\unrestrict 3bO4weod3cFpSkbu8wN5U93tN6DvbNZzVDYbVPpe6YtMMBdHDvHxGBjpzlMbi69

