-- Columns that depend on a grouped primary key, of relations that stand in a fragment and of those whose rows move.
CREATE TABLE author (id int PRIMARY KEY, name text, age int, about json);
CREATE TABLE book (id int PRIMARY KEY, isbn varchar(9), title text, pages int, contact int, publisher int, extra json, tags json[]);
CREATE TABLE publisher (id int PRIMARY KEY, name text, about json);
CREATE TABLE local_note (id int PRIMARY KEY, book int, note text, body json);
-- distribute: SELECT create_distributed_table('author', 'id'), create_distributed_table('book', 'id', colocate_with => 'none')
-- distribute: SELECT create_reference_table('publisher')
INSERT INTO author SELECT i, 'author ' || i, 20 + i % 5, json_build_object('n', i) FROM generate_series(1, 20) i;
INSERT INTO book SELECT i, 'isbn' || i, 'title ' || i % 7, i * 10, i % 20 + 1, i % 3, json_build_array(i), NULL FROM generate_series(1, 60) i;
INSERT INTO publisher SELECT i, 'publisher ' || i, json_build_object('p', i) FROM generate_series(0, 2) i;
INSERT INTO local_note SELECT i, i % 30 + 1, 'note ' || i, json_build_object('b', i) FROM generate_series(1, 50) i;

SELECT book.id, book.isbn, book.title, sum(book.pages), author.id, author.name, author.age
FROM book JOIN author ON book.contact = author.id WHERE book.id = 4 GROUP BY book.id, author.id ORDER BY book.id;
SELECT book.id, book.isbn, author.name, count(*) FROM book JOIN author ON book.contact = author.id
GROUP BY book.id, author.id HAVING author.age > 22 AND book.title < 'title 4' ORDER BY 1, 2;
SELECT author.id, author.name, author.age, sum(book.pages) FROM author LEFT JOIN book ON book.contact = author.id AND book.pages < 300
GROUP BY author.id ORDER BY author.age, author.id;
SELECT author.name || '!', upper(author.name), count(book.id) FROM author JOIN book ON book.contact = author.age - 10
GROUP BY author.id ORDER BY 1;
SELECT b.title, count(*) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id ORDER BY lower(b.title), b.id LIMIT 7;
SELECT b.id, (SELECT count(*) FROM author x WHERE x.age > b.pages / 10) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id ORDER BY 1;
SELECT b.id, (SELECT p.name FROM publisher p WHERE p.id = b.publisher) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id ORDER BY 1;

-- types without equality
SELECT b.id, b.extra, a.about, count(*) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id, a.id ORDER BY 1;
SELECT b.id, b.extra ->> 0, count(*) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id HAVING a.id IS NULL OR (b.extra ->> 0)::int > 50 ORDER BY 1;
SELECT b.id, b.extra ->> 0, count(*) FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id HAVING (b.extra ->> 0)::int > 50 ORDER BY 1;
SELECT b.extra ->> 0 AS x, b.id, b.extra FROM author a JOIN book b ON b.contact = a.id GROUP BY b.id, b.extra ->> 0 ORDER BY b.id;

-- grouping sets, all of which have the key
SELECT b.id, b.isbn, a.age, count(*), grouping(a.age) FROM author a JOIN book b ON b.contact = a.id
GROUP BY b.id, ROLLUP (a.age) ORDER BY b.id, a.age;
SELECT b.id, b.isbn, a.age, count(*) FROM author a JOIN book b ON b.contact = a.id
GROUP BY GROUPING SETS ((b.id, a.age), (b.id)) ORDER BY b.id, a.age;

-- joins by name
SELECT id, author.name, author.age, publisher.name, count(*) FROM author JOIN publisher USING (id) GROUP BY author.id, publisher.id ORDER BY 1;
SELECT x.id, x.isbn, count(*) FROM book x JOIN author USING (id) JOIN book y ON y.contact = x.publisher GROUP BY x.id ORDER BY 1;

-- beside local tables, in sub-queries, CTEs, set operations and other statements
SELECT n.id, n.note, n.body, b.isbn, count(*) FROM local_note n JOIN book b ON b.id = n.book GROUP BY n.id, b.id ORDER BY 1;
SELECT n.note, sum(b.pages) FROM local_note n JOIN book b ON b.contact = n.book GROUP BY n.id ORDER BY n.id;
SELECT p.id, p.name, p.about, count(*) FROM publisher p JOIN book b ON b.publisher = p.id GROUP BY p.id ORDER BY 1;
SELECT s.title, author.name FROM (SELECT b.id, b.title, b.contact, count(*) AS n FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id) s
JOIN author ON author.id = s.n + s.contact ORDER BY 1, 2;
WITH c AS (SELECT a.id, a.name, count(*) AS n FROM book b JOIN author a ON b.contact = a.id GROUP BY a.id) SELECT name, n FROM c ORDER BY id;
SELECT a.name FROM book b JOIN author a ON b.contact = a.id GROUP BY a.id UNION SELECT b.title FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id ORDER BY 1;
UPDATE author SET age = s.n FROM (SELECT a.id, a.name, count(*) AS n FROM book b JOIN author a ON b.contact = a.id GROUP BY a.id) s WHERE s.id = author.id AND s.name < 'author 12';
INSERT INTO local_note SELECT 1000 + b.id, b.id, b.title, b.extra FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id;
INSERT INTO author SELECT 1000 + b.id, b.title, b.pages, b.extra FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id;
SELECT * FROM author ORDER BY id;
SELECT count(*), sum(id) FROM local_note;

CREATE VIEW per_book AS SELECT b.id, b.isbn, b.extra, sum(a.age) AS age FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id;
SELECT id, isbn, extra, age FROM per_book WHERE id < 9 ORDER BY id;
SELECT per_book.isbn, author.name FROM per_book JOIN author ON author.id = per_book.age ORDER BY 1, 2;
SELECT DISTINCT b.title, count(*) OVER (PARTITION BY b.title) FROM book b JOIN author a ON b.contact = a.id GROUP BY b.id ORDER BY 1;
SELECT b.*, count(*) FROM book b JOIN author a ON b.contact = a.id WHERE b.tags IS NULL AND b.id < 5 GROUP BY b.id ORDER BY b.id;
SELECT b, count(*) FROM book b JOIN author a ON b.contact = a.id WHERE b.id < 5 GROUP BY b.id ORDER BY b.id;
