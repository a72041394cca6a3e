-- Bits instead of distinct categories (there are fewer than 63), repeats from a window over orders.
WITH categories AS (
    SELECT category, 1::BIGINT << (row_number() OVER () - 1)::INTEGER AS category_bit
    FROM (SELECT DISTINCT category FROM transactions)
),
lines AS (
    SELECT customer_id, order_id, ordered_at::DATE AS day, revenue, revenue - cost AS margin,
        revenue >= 0 AND coalesce(quantity >= 0, true) AS is_purchase, category_bit
    FROM transactions JOIN categories USING (category)
),
orders AS (
    SELECT customer_id, day, order_id, sum(revenue) FILTER (is_purchase) AS bought, sum(revenue) AS revenue,
        sum(margin) AS margin, bit_or(category_bit) FILTER (is_purchase) AS category_bits
    FROM lines GROUP BY ALL
),
gaps AS (
    SELECT *, bought IS NOT NULL AS is_purchase, lag(day) OVER past AS previous, first_value(day) OVER past AS first
    FROM orders WINDOW past AS (PARTITION BY customer_id, bought IS NOT NULL ORDER BY day)
),
customers AS (
    SELECT customer_id, count(*) FILTER (is_purchase AND previous < day) AS frequency,
        min(day) FILTER (is_purchase) AS first_purchase, max(day) FILTER (is_purchase) AS last_purchase,
        sum(bought) FILTER (first < day) AS repeat_revenue, count(DISTINCT order_id) FILTER (is_purchase) AS orders,
        sum(bought) AS bought, sum(revenue) AS revenue, sum(margin) AS margin,
        bit_count(bit_or(category_bits)) AS categories
    FROM gaps GROUP BY customer_id
)
SELECT customer_id, frequency, (last_purchase - first_purchase) / 7 AS recency,
    (getvariable('as_of') - first_purchase) / 7 AS age, repeat_revenue / nullif(frequency, 0) AS monetary_value, orders,
    revenue, margin, first_purchase, last_purchase, bought - revenue AS returns, categories
FROM customers
WHERE first_purchase IS NOT NULL
ORDER BY customer_id
