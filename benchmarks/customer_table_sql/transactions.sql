-- Transactions over three years of customers with very different purchase rates, in the order of time.
-- drawn(...) is a number between 0 and 1 that looks random and is the same in every run.
WITH buyers AS (
    SELECT i, 1 + floor(-getvariable('more_orders') * ln(drawn(i, 0, 0, 1)))::INTEGER AS orders,
        floor(730 * drawn(i, 0, 0, 2)) AS start
    FROM range(getvariable('customers')) r(i)
),
orders AS (
    SELECT i, o, start + floor((1095 - start) * drawn(i, o, 0, 3)) AS day,
        1 + floor(-2.6 * ln(drawn(i, o, 0, 4)))::INTEGER AS lines,
        ['shop', 'web', 'app', 'telephone'][1 + (i + floor(drawn(i, o, 0, 5) * 1.3)::INTEGER) % 4] AS channel
    FROM buyers, unnest(range(orders)) t(o)
),
lines AS (
    SELECT i, o, day, channel, drawn(i, o, l, 7) AS price, drawn(i, o, l, 8) AS cut,
        CASE WHEN drawn(i, o, l, 6) < 0.03 THEN -1 ELSE 1 + floor(3 * drawn(i, o, l, 9)) END AS quantity
    FROM orders, unnest(range(lines)) t(l)
)
SELECT 'O' || lpad(i::VARCHAR, 7, '0') || '-' || o AS order_id, 'C' || lpad(i::VARCHAR, 7, '0') AS customer_id,
    TIMESTAMP '2023-01-01' + to_days(day::INTEGER) + to_seconds(28800 + (i * 7919 + o * 104729) % 43200) AS ordered_at,
    'category ' || floor(40 * price * price)::INTEGER AS category, quantity::DOUBLE AS quantity,
    quantity * round(3 + 20 * price, 2) AS revenue, quantity * round(2 + 14 * price, 2) AS cost,
    CASE WHEN cut < 0.2 THEN round(10 * cut, 2) ELSE 0.0 END AS discount, channel
FROM lines
ORDER BY ordered_at, order_id
LIMIT getvariable('lines')
