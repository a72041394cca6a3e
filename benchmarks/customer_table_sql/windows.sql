-- Bits instead of distinct categories and channels (there are fewer than 63 of each), gaps from a window over orders.
WITH categories AS (
    SELECT category, 1::BIGINT << (row_number() OVER () - 1)::INTEGER AS category_bit
    FROM (SELECT DISTINCT category FROM transactions)
),
channels AS (
    SELECT channel, 1::BIGINT << (row_number() OVER () - 1)::INTEGER AS channel_bit
    FROM (SELECT DISTINCT channel FROM transactions)
),
lines AS (
    SELECT customer_id, order_id, ordered_at::DATE AS day, revenue, revenue - cost AS margin, discount,
        revenue >= 0 AND coalesce(quantity >= 0, true) AS is_purchase, category_bit, channel_bit
    FROM transactions JOIN categories USING (category) JOIN channels USING (channel)
),
orders AS (
    SELECT customer_id, day, order_id, sum(revenue) FILTER (is_purchase) AS bought, sum(revenue) AS revenue,
        sum(margin) AS margin, sum(discount) FILTER (is_purchase) AS discount,
        bit_or(category_bit) FILTER (is_purchase) AS category_bits,
        bit_or(channel_bit) FILTER (is_purchase) AS channel_bits
    FROM lines GROUP BY ALL
),
gaps AS (
    SELECT *, bought IS NOT NULL AS is_purchase, lag(day) OVER past AS previous, first_value(day) OVER past AS first
    FROM orders WINDOW past AS (PARTITION BY customer_id, bought IS NOT NULL ORDER BY day)
),
customers AS (
    SELECT customer_id, count(*) FILTER (is_purchase AND previous < day) AS frequency,
        min(day) FILTER (is_purchase) AS first_purchase, max(day) FILTER (is_purchase) AS last_purchase,
        median(day - previous) FILTER (is_purchase AND previous < day) AS median_gap,
        sum(bought) FILTER (first < day) AS repeat_revenue, count(DISTINCT order_id) FILTER (is_purchase) AS orders,
        sum(bought) AS bought, sum(revenue) AS revenue, sum(margin) AS margin, sum(discount) AS discount,
        bit_count(bit_or(category_bits)) AS categories, bit_count(bit_or(channel_bits)) AS channels
    FROM gaps GROUP BY customer_id
)
SELECT customer_id, frequency, (last_purchase - first_purchase) / 7 AS recency,
    (getvariable('as_of') - first_purchase) / 7 AS age, repeat_revenue / nullif(frequency, 0) AS monetary_value, orders,
    revenue, margin, first_purchase, last_purchase, bought - revenue AS returns,
    discount / nullif(discount + bought, 0) AS discount_share, categories, channels, median_gap / 7 AS median_gap
FROM customers
WHERE first_purchase IS NOT NULL
ORDER BY customer_id
