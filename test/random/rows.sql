-- What the tables hold when a sequence of statements begins.
INSERT INTO d1 SELECT i % 11 + 1, nullif(i % 7, 3), i % 3, nullif('t' || i % 5, 't4'), (i % 9) / 2.0 FROM generate_series(1, 24) i;
INSERT INTO d2 SELECT i % 13 + 1, nullif(i % 6, 4), i % 3, 't' || i % 4, nullif(i % 4, 0) * 1.25 FROM generate_series(1, 20) i;
INSERT INTO d3 SELECT i % 9 + 1, i % 8, nullif(i % 4, 3), nullif('t' || i % 6, 't0'), i FROM generate_series(1, 15) i;
INSERT INTO dt SELECT nullif(i % 7, 0), i % 5, nullif(i % 3, 1), 't' || i % 6, i / 4.0 FROM generate_series(1, 14) i;
INSERT INTO dp SELECT i % 10 + 1, i % 4, nullif(i % 3, 2), 't' || i % 3, nullif(i % 5, 2) FROM generate_series(1, 14) i;
INSERT INTO s1 SELECT i, i % 3, i % 2, 't' || i, i / 2.0 FROM generate_series(1, 6) i;
INSERT INTO r SELECT nullif(i, 4), i % 4, nullif(i % 3, 0), 't' || i % 5, nullif(i, 5) FROM generate_series(1, 9) i;
INSERT INTO l SELECT i, nullif(i, 2) % 3, i % 2, 't' || i % 4, i FROM generate_series(1, 6) i;
INSERT INTO u1 SELECT i, i % 5, i % 2, 'u' || i % 3, i FROM generate_series(1, 8) i;
INSERT INTO u2 SELECT i % 5 + 1, i, i % 3, 't' || i % 3, nullif(i, 3) FROM generate_series(1, 9) i;
INSERT INTO ur SELECT i, i % 4, nullif(i % 3, 0), 't' || i, i * 1.5 FROM generate_series(1, 7) i;
INSERT INTO c1 SELECT i % 6 + 1, i, i % 2, 't' || i % 2, i FROM generate_series(1, 10) i;
