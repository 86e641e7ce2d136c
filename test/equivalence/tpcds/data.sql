-- Small data.  pick() is a number from 0 to n - 1 that only its argument decides; one sale in fifteen lacks a key of a dimension.
CREATE FUNCTION pick(what text, n int) RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT (('x' || substr(md5(what), 1, 7))::bit(28)::int % n) $$;
CREATE FUNCTION often(what text, n int) RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN pick('?' || what, 15) = 0 THEN NULL ELSE 1 + pick(what, n) END $$;
INSERT INTO date_dim SELECT i + 1, d, (extract(year FROM d)::int - 1900) * 12 + extract(month FROM d)::int - 1, i / 7 + 5000,
        (extract(year FROM d)::int - 1900) * 4 + extract(quarter FROM d)::int, extract(year FROM d), extract(dow FROM d), extract(month FROM d),
        extract(day FROM d), extract(quarter FROM d), extract(year FROM d) || 'Q' || extract(quarter FROM d), trim(to_char(d, 'Day'))
    FROM (SELECT i, DATE '1998-01-01' + i AS d FROM generate_series(0, 1825) i) s;
INSERT INTO time_dim SELECT i, i * 300, i / 12, i % 12 * 5, 0, CASE WHEN i < 144 THEN 'AM' ELSE 'PM' END,
        CASE WHEN i / 12 BETWEEN 6 AND 8 THEN 'breakfast' WHEN i / 12 BETWEEN 17 AND 20 THEN 'dinner' END FROM generate_series(0, 287) i;
INSERT INTO item SELECT i, 'ITEM' || lpad((i / 2)::text, 6, '0'), 'item ' || i, 1 + pick('ip' || i, 9900) / 100.0, 1 + pick('iw' || i, 5000) / 100.0, 1 + i % 6,
        'brand ' || 1 + i % 6, 1 + i % 4, (ARRAY['personal', 'portable', 'reference', 'self-help'])[1 + i % 4], 1 + i % 3,
        (ARRAY['Books', 'Music', 'Women'])[1 + i % 3], 1 + i % 8, 'manufact ' || 1 + i % 8, (ARRAY['small', 'medium', 'large', 'economy'])[1 + pick('is' || i, 4)],
        (ARRAY['red', 'pale', 'slate', 'navy'])[1 + pick('ic' || i, 4)], (ARRAY['Ounce', 'Oz', 'Each'])[1 + pick('iu' || i, 3)], 1 + i % 5, 'product ' || i
    FROM generate_series(1, 48) i;
INSERT INTO customer_address SELECT i, 'ADDR' || i, i, 'street ' || i % 7, 'Ave', 'Suite ' || i % 5, (ARRAY['Midway', 'Fairview', 'Edgewood'])[1 + i % 3],
        (ARRAY['Ziebach County', 'Walker County', 'Orange County'])[1 + i % 3], (ARRAY['TX', 'OH', 'GA', 'KY', 'IL'])[1 + i % 5],
        (ARRAY['24128', '35576', '51644', '85669', '10001'])[1 + i % 5] || '', 'United States', -5 - i % 2, (ARRAY['apartment', 'condo', 'single family'])[1 + i % 3]
    FROM generate_series(1, 30) i;
INSERT INTO customer_demographics SELECT i, (ARRAY['M', 'F'])[1 + i % 2], (ARRAY['M', 'S', 'D', 'W'])[1 + i % 4],
        (ARRAY['College', '2 yr Degree', '4 yr Degree', 'Advanced Degree', 'Unknown'])[1 + i % 5], 500 * (1 + i % 6), (ARRAY['Good', 'Low Risk', 'High Risk'])[1 + i % 3],
        i % 4, i % 3, i % 2 FROM generate_series(1, 60) i;
INSERT INTO household_demographics SELECT i, 1 + i % 10, (ARRAY['>10000', 'Unknown', '501-1000', '1001-5000', '0-500'])[1 + i % 5], i % 7, i % 4 FROM generate_series(1, 40) i;
INSERT INTO income_band SELECT i, (i - 1) * 10000, i * 10000 FROM generate_series(1, 10) i;
INSERT INTO customer SELECT i, 'CUST' || i, often('cc' || i, 60), often('ch' || i, 40), 1 + pick('ca' || i, 30), 1 + pick('cs' || i, 1800), 1 + pick('cf' || i, 1800),
        'Dr.', (ARRAY['Ann', 'Bob', 'Cid'])[1 + i % 3], 'Last' || i % 11, (ARRAY['Y', 'N'])[1 + i % 2], 1 + i % 28, 1 + i % 12, 1930 + i % 60,
        (ARRAY['CHILE', 'ITALY', 'JAPAN'])[1 + i % 3], NULL, 'c' || i || '@example.com', 1 + pick('cl' || i, 1800) FROM generate_series(1, 60) i;
INSERT INTO store SELECT i, 'STORE' || (i + 1) / 2, (ARRAY['ese', 'able', 'ought'])[1 + i % 3], 200 + i * 10, 5000000 + i, '8AM-8PM', 'manager ' || i, 1 + i % 3, 1, 'Unknown',
        i, 'road', 'Ave', 'Suite', (ARRAY['Midway', 'Fairview'])[1 + i % 2], (ARRAY['Ziebach County', 'Walker County'])[1 + i % 2], (ARRAY['TX', 'OH'])[1 + i % 2],
        (ARRAY['24128', '35576'])[1 + i % 2], -5 FROM generate_series(1, 6) i;
INSERT INTO call_center SELECT i, 'CC' || i, 'center ' || i, 'boss ' || i, (ARRAY['Ziebach County', 'Walker County'])[1 + i % 2] FROM generate_series(1, 3) i;
INSERT INTO catalog_page SELECT i, 'PAGE' || i FROM generate_series(1, 8) i;
INSERT INTO web_site SELECT i, 'SITE' || i, 'site_' || i, (ARRAY['pri', 'able'])[1 + i % 2] FROM generate_series(1, 4) i;
INSERT INTO web_page SELECT i, 4900 + i * 50 FROM generate_series(1, 5) i;
INSERT INTO warehouse SELECT i, 'warehouse ' || i, 1000 * i, 'Midway', 'Ziebach County', 'TX', 'United States' FROM generate_series(1, 3) i;
INSERT INTO ship_mode SELECT i, (ARRAY['EXPRESS', 'OVERNIGHT', 'REGULAR'])[1 + i % 3], (ARRAY['AIR', 'SEA'])[1 + i % 2], (ARRAY['DHL', 'BARIAN', 'UPS'])[1 + i % 3] FROM generate_series(1, 6) i;
INSERT INTO reason SELECT i, 'reason ' || i FROM generate_series(1, 5) i;
INSERT INTO promotion SELECT i, (ARRAY['Y', 'N'])[1 + i % 2], (ARRAY['N', 'Y', 'N'])[1 + i % 3], 'N', (ARRAY['N', 'Y'])[1 + i % 2] FROM generate_series(1, 6) i;
INSERT INTO inventory SELECT d, i, w, pick('iv' || d || '/' || i || '/' || w, 900) FROM generate_series(701, 1100, 14) d, generate_series(1, 48, 2) i, generate_series(1, 2) w;
INSERT INTO store_sales SELECT often('ssd' || t, 1800), often('sst' || t, 287), 1 + (t * 7 + n * 5) % 48, often('ssc' || t, 60), often('ssm' || t, 60), often('ssh' || t, 40), often('ssa' || t, 30),
        often('sss' || t, 6), often('ssp' || t || '/' || n, 6), t, q, p * 0.6, p * 1.2, p, round(q * p * 0.1, 2), q * p, round(q * p * 0.6, 2), round(q * p * 1.2, 2), round(q * p * 0.05, 2),
        CASE WHEN t % 4 = 0 THEN 5.00 ELSE 0 END, round(q * p * 0.9, 2), round(q * p * 0.95, 2), round(q * p * 0.3 - 20, 2)
    FROM (SELECT t, n, 1 + pick('ssq' || t || '/' || n, 100) AS q, 1 + pick('ssv' || t || '/' || n, 9000) / 100.0 AS p FROM generate_series(1, 500) t, generate_series(1, 3) n) s;
INSERT INTO store_returns SELECT ss_sold_date_sk + 1 + pick('srd' || ss_ticket_number, 25), ss_item_sk, ss_customer_sk, ss_cdemo_sk, ss_store_sk, 1 + pick('srr' || ss_ticket_number, 5), ss_ticket_number,
        1 + ss_quantity / 2, round(ss_net_paid / 2, 2), 1.5, round(ss_net_paid / 10, 2) FROM store_sales WHERE ss_ticket_number % 3 = 0;
INSERT INTO catalog_sales SELECT d, often('cst' || o, 287), d + 1 + pick('csx' || o, 130), c, often('csm' || o, 60), often('csh' || o, 40), 1 + pick('csa' || o, 30), c, 1 + pick('csb' || o, 30), often('csl' || o, 3), often('csg' || o, 8),
        often('cse' || o, 6), often('csw' || o || '/' || n, 3), 1 + (o * 5 + n * 11) % 48, often('csp' || o || '/' || n, 6), o, q, p * 0.6, p * 1.2, p, round(q * p * 0.1, 2), q * p, round(q * p * 0.6, 2),
        round(q * p * 1.2, 2), CASE WHEN o % 5 = 0 THEN 7 ELSE 0 END, round(q * 1.1, 2), round(q * p * 0.9, 2), round(q * p * 0.95, 2), round(q * p * 0.2 - 30, 2)
    FROM (SELECT o, n, often('csd' || o, 1700) AS d, often('csc' || o, 60) AS c, 1 + pick('csq' || o || '/' || n, 100) AS q, 1 + pick('csv' || o || '/' || n, 9000) / 100.0 AS p FROM generate_series(1, 350) o, generate_series(1, 3) n) s;
-- what came back to a store is bought again from the catalog
INSERT INTO catalog_sales SELECT sr_returned_date_sk + 5, 1, sr_returned_date_sk + 9, sr_customer_sk, 1, 1, 1, sr_customer_sk, 1, 1, 1, 1, 1, sr_item_sk, 1, 10000 + sr_ticket_number, 5, 6, 12, 10, 1, 50, 30, 60, 0, 3, 45, 47, 9
    FROM store_returns WHERE sr_customer_sk IS NOT NULL AND sr_returned_date_sk < 1750;
INSERT INTO catalog_returns SELECT cs_sold_date_sk + 1 + pick('crd' || cs_order_number, 60), cs_item_sk, cs_bill_customer_sk, cs_bill_customer_sk, cs_bill_addr_sk, cs_call_center_sk, cs_catalog_page_sk, 1 + cs_order_number % 5,
        cs_order_number, 1 + cs_quantity / 3, round(cs_net_paid / 3, 2), round(cs_net_paid / 3 * 1.05, 2), round(cs_net_paid / 5, 2), 1, 2, round(cs_net_paid / 9, 2) FROM catalog_sales WHERE cs_order_number % 4 = 0;
INSERT INTO web_sales SELECT d, often('wst' || o, 287), d + 1 + pick('wsx' || o, 130), 1 + (o * 3 + n * 7) % 48, c, 1 + pick('wsa' || o, 30), c, 1 + pick('wsb' || o, 30), often('wsh' || o, 40), often('wsg' || o, 5),
        often('wss' || o, 4), often('wse' || o, 6), often('wsw' || o || '/' || n, 3), often('wsp' || o || '/' || n, 6), o, q, p * 0.6, p * 1.2, p, round(q * p * 0.1, 2), q * p, round(q * p * 0.6, 2), round(q * p * 1.2, 2), round(q * 1.2, 2),
        round(q * p * 0.9, 2), round(q * p * 0.25 - 25, 2)
    FROM (SELECT o, n, often('wsd' || o, 1700) AS d, often('wsc' || o, 60) AS c, 1 + pick('wsq' || o || '/' || n, 100) AS q, 1 + pick('wsv' || o || '/' || n, 9000) / 100.0 AS p FROM generate_series(1, 350) o, generate_series(1, 3) n) s;
INSERT INTO web_returns SELECT ws_sold_date_sk + 1 + pick('wrd' || ws_order_number, 60), ws_item_sk, 1 + pick('wrm' || ws_order_number, 60), ws_bill_addr_sk, ws_bill_customer_sk, 1 + pick('wrm' || ws_order_number, 60), ws_bill_addr_sk, ws_web_page_sk,
        1 + ws_order_number % 5, ws_order_number, 1 + ws_quantity / 3, round(ws_net_paid / 3, 2), 2.5, round(ws_net_paid / 5, 2), round(ws_net_paid / 9, 2) FROM web_sales WHERE ws_order_number % 3 = 0;
ANALYZE date_dim, time_dim, item, customer, customer_address, customer_demographics, household_demographics, income_band, store, call_center, catalog_page,
    web_site, web_page, warehouse, ship_mode, reason, promotion, inventory, store_sales, store_returns, catalog_sales, catalog_returns, web_sales, web_returns;
