-- Functions that read what only this node has, made and made anew.
CREATE TABLE d (k int PRIMARY KEY, v text);
-- distribute: SELECT create_distributed_table('d', 'k')
CREATE TABLE here (f1 serial, data text);
CREATE FUNCTION note(text) RETURNS int LANGUAGE sql AS $$ INSERT INTO here (data) VALUES ($1) RETURNING f1 $$;
SELECT note('a'), note('b');
CREATE OR REPLACE FUNCTION note(text) RETURNS int LANGUAGE sql
    AS $$ INSERT INTO here (data) VALUES ($1), ($1 || $1) RETURNING f1 $$;
SELECT note('c');
SELECT * FROM here;
INSERT INTO d SELECT f1, data FROM here;
CREATE OR REPLACE FUNCTION twice(here.f1%TYPE) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * count(*) FROM here WHERE f1 <> $1';
SELECT k, twice(k) FROM d;
CREATE OR REPLACE FUNCTION wrong() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM not_there';
CREATE FUNCTION wrong(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE OR REPLACE AGGREGATE wrong(int) (SFUNC = wrong, STYPE = int);
CREATE OR REPLACE AGGREGATE wrong(int, int) (SFUNC = wrong, STYPE = int);
SELECT wrong(k) FROM d;

-- an UPDATE by a function that reads the table itself, whose rows nothing but themselves tells apart
CREATE TABLE x (a smallint, b real);
-- distribute: SELECT create_distributed_table('x', 'b')
INSERT INTO x VALUES (56, 7.8), (100, 99.097), (0, 0.09561), (42, 324.78), (777, 777.777), (56, 7.8);
CREATE FUNCTION max_x() RETURNS smallint LANGUAGE sql STABLE AS 'SELECT max(a) FROM x';
UPDATE x SET a = max_x() + 10 WHERE a > 0;
SELECT * FROM x;
DELETE FROM x WHERE a = max_x() AND b < 100;
SELECT * FROM x;
DROP TABLE x;

-- a row of a table of this node only, as the argument of a function that is inlined
CREATE TABLE hobbies (name text, who text);
-- distribute: SELECT create_distributed_table('hobbies', 'name')
CREATE TABLE persons (name text, age int);
INSERT INTO hobbies VALUES ('posting', 'mike'), ('basketball', 'joe');
INSERT INTO persons VALUES ('mike', 40), ('joe', 20);
CREATE FUNCTION hobbies_of(persons) RETURNS SETOF hobbies LANGUAGE sql AS
    'SELECT * FROM hobbies WHERE who = $1.name';
SELECT p.name, (hobbies_of(p)).name FROM persons p;

-- procedures that differ in what is returned
CREATE PROCEDURE calc(OUT a int, IN b int, IN c int) LANGUAGE sql AS 'SELECT b - c';
CREATE PROCEDURE calc(IN a int, IN b int, IN c int) LANGUAGE sql AS 'SELECT a + b - c';
DROP PROCEDURE calc;
DROP PROCEDURE calc(int, int, int);
DROP PROCEDURE calc(IN int, int, int);
CALL calc(NULL, 7, 4);
DROP PROCEDURE calc;
