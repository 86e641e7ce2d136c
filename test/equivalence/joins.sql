-- Joins of distributed, reference and local tables, on the key and off it.
CREATE TABLE orders (id int PRIMARY KEY, customer int, total numeric, note text);
CREATE TABLE lines (order_id int, line int, product int, qty int, PRIMARY KEY (order_id, line));
CREATE TABLE customers (id int PRIMARY KEY, name text, boss int);
CREATE TABLE products (id int PRIMARY KEY, name text, price numeric);
CREATE TABLE notes (order_id int, text text);
-- distribute: SELECT create_distributed_table('orders', 'id')
-- distribute: SELECT create_distributed_table('lines', 'order_id', colocate_with => 'orders')
-- distribute: SELECT create_distributed_table('customers', 'id', colocate_with => 'none')
-- distribute: SELECT create_reference_table('products')
INSERT INTO customers SELECT i, 'customer ' || i, CASE WHEN i > 1 THEN i / 2 END FROM generate_series(1, 20) i;
INSERT INTO products SELECT i, 'product ' || i, i * 1.5 FROM generate_series(1, 10) i;
INSERT INTO orders SELECT i, CASE WHEN i % 9 = 0 THEN NULL ELSE i % 20 + 1 END, i * 10, 'n' || i % 4 FROM generate_series(1, 80) i;
INSERT INTO lines SELECT o, l, (o + l) % 11 + 1, l FROM generate_series(1, 70) o, generate_series(1, 3) l;
INSERT INTO notes VALUES (1, 'first'), (2, 'second'), (200, 'nobody'), (NULL, 'null');

-- beside parallel workers on this node
CREATE TABLE here (id int, name text);
INSERT INTO here SELECT i, 'here ' || i FROM generate_series(1, 3000) i;
ANALYZE here;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), count(p.id), sum(h.id) FROM here h LEFT JOIN products p ON p.id = h.id % 17 JOIN orders o ON o.id = h.id % 90 + p.id;
SET force_parallel_mode = on;
SELECT p.name, count(l.order_id) FROM products p LEFT JOIN lines l ON l.product = p.id GROUP BY p.name;
RESET force_parallel_mode;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

SELECT o.id, count(*), sum(l.qty) FROM orders o JOIN lines l ON l.order_id = o.id GROUP BY o.id;
SELECT o.id, l.line FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.id = 12;
SELECT o.id, l.line FROM orders o LEFT JOIN lines l ON l.order_id = o.id WHERE o.id > 65;
SELECT o.id, l.line FROM orders o LEFT JOIN lines l ON l.order_id = o.id AND l.qty > 2 WHERE o.id < 5;
SELECT count(*) FROM orders o FULL JOIN lines l ON l.order_id = o.id;
SELECT count(*) FROM orders o RIGHT JOIN lines l ON l.order_id = o.id WHERE o.note = 'n1';
SELECT o.id, p.name FROM orders o JOIN lines l ON l.order_id = o.id JOIN products p ON p.id = l.product WHERE p.price > 12;
SELECT p.name, count(l.order_id) FROM products p LEFT JOIN lines l ON l.product = p.id GROUP BY p.name;
SELECT l.order_id, p.name FROM lines l LEFT JOIN products p ON p.id = l.product WHERE l.order_id < 15;
SELECT count(*) FROM products p FULL JOIN lines l ON l.product = p.id;
SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.name;
SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer = c.id AND o.total > 700;
SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer WHERE o.id % 9 < 2;
SELECT count(*) FROM orders o FULL JOIN customers c ON c.id = o.customer;
SELECT c.name, b.name FROM customers c JOIN customers b ON b.id = c.boss;
SELECT c.name, b.name FROM customers c LEFT JOIN customers b ON b.id = c.boss ORDER BY c.id;
SELECT a.id, b.id FROM orders a JOIN orders b ON a.total = b.total * 2 WHERE a.id < 10;
SELECT a.id, b.id FROM orders a JOIN orders b USING (id) WHERE a.note = 'n2';
SELECT o.id, n.text FROM orders o JOIN notes n ON n.order_id = o.id;
SELECT o.id, n.text FROM notes n LEFT JOIN orders o ON n.order_id = o.id;
SELECT n.text FROM notes n WHERE EXISTS (SELECT FROM orders o WHERE o.id = n.order_id);
SELECT n.text FROM notes n WHERE n.order_id NOT IN (SELECT id FROM orders);
SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT FROM lines l WHERE l.order_id = o.id);
SELECT o.id FROM orders o WHERE o.id IN (SELECT order_id FROM lines WHERE product = 3);
SELECT o.id FROM orders o WHERE o.customer IN (SELECT id FROM customers WHERE name LIKE '%1');
SELECT count(*) FROM orders, customers;
SELECT count(*) FROM orders o, lines l WHERE o.id = l.order_id AND o.total > l.qty * 100;
SELECT count(*) FROM orders o JOIN customers c ON o.total < c.id * 10;
SELECT o.id, x.line FROM orders o, LATERAL (SELECT line FROM lines l WHERE l.order_id = o.id ORDER BY qty DESC LIMIT 1) x;
SELECT c.id, x.id FROM customers c LEFT JOIN LATERAL (SELECT id FROM orders o WHERE o.customer = c.id ORDER BY total DESC LIMIT 1) x ON true;
SELECT o.id, g FROM orders o, generate_series(1, o.id % 3) g WHERE o.id < 9;
SELECT o.id, v.x FROM orders o JOIN (VALUES (1, 'a'), (2, 'b')) v(id, x) ON v.id = o.id;
SELECT * FROM orders NATURAL JOIN customers WHERE id < 5;
SELECT o.id FROM orders o JOIN lines l ON l.order_id = o.id AND l.line = 1 JOIN customers c ON c.id = o.customer JOIN products p ON p.id = l.product WHERE c.name = 'customer 3';
SELECT count(*) FROM (SELECT id FROM orders) o JOIN (SELECT DISTINCT order_id FROM lines) l ON o.id = l.order_id;
SELECT count(*) FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) x JOIN customers c ON c.id = x.customer;
SELECT o.id, o2.id FROM orders o JOIN orders o2 ON o2.id = o.id + 1 WHERE o.id BETWEEN 5 AND 8;
SELECT p.id, q.id FROM products p JOIN products q ON q.id = p.id + 1;
SELECT p.id FROM products p JOIN notes n ON n.order_id = p.id;
SELECT nope.id FROM orders o JOIN lines l ON l.order_id = o.id;
