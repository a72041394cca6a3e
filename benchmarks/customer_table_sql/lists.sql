-- Bits instead of distinct categories (there are fewer than 63), days as lists: no window, no sort.
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
customers AS (
    SELECT customer_id, list_sort(list_distinct(list(day) FILTER (bought IS NOT NULL))) AS dates,
        count(DISTINCT order_id) FILTER (bought IS NOT NULL) AS orders, sum(bought) AS bought, sum(revenue) AS revenue,
        sum(margin) AS margin, bit_count(bit_or(category_bits)) AS categories
    FROM orders GROUP BY customer_id HAVING count(bought) > 0
),
days AS (
    SELECT customer_id, day, sum(bought) AS bought_that_day FROM orders GROUP BY ALL
)
SELECT customer_id, len(dates) - 1 AS frequency, (dates[-1] - dates[1]) / 7 AS recency,
    (getvariable('as_of') - dates[1]) / 7 AS age,
    (bought - bought_that_day) / nullif(len(dates) - 1, 0) AS monetary_value, orders, revenue, margin,
    dates[1] AS first_purchase, dates[-1] AS last_purchase, bought - revenue AS returns, categories
FROM customers JOIN days USING (customer_id)
WHERE day = dates[1]
ORDER BY customer_id
