-- As one writes it down: lines to days, days to customers, distinct counts over the lines.
WITH lines AS (
    SELECT customer_id, order_id, ordered_at::DATE AS day, revenue, revenue - cost AS margin, category,
        revenue >= 0 AND coalesce(quantity >= 0, true) AS is_purchase
    FROM transactions
),
days AS (
    SELECT customer_id, day, sum(revenue) FILTER (is_purchase) AS bought, sum(revenue) AS revenue, sum(margin) AS margin
    FROM lines GROUP BY ALL
),
gaps AS (
    SELECT *, bought IS NOT NULL AS is_purchase, day - lag(day) OVER past AS gap
    FROM days WINDOW past AS (PARTITION BY customer_id, bought IS NOT NULL ORDER BY day)
),
customers AS (
    SELECT customer_id, count(gap) FILTER (is_purchase) AS frequency, min(day) FILTER (is_purchase) AS first_purchase,
        max(day) FILTER (is_purchase) AS last_purchase,
        sum(bought) FILTER (gap IS NOT NULL) AS repeat_revenue, sum(bought) AS bought, sum(revenue) AS revenue,
        sum(margin) AS margin
    FROM gaps GROUP BY customer_id
),
different AS (
    SELECT customer_id, count(DISTINCT order_id) AS orders, count(DISTINCT category) AS categories
    FROM lines WHERE is_purchase GROUP BY customer_id
)
SELECT customer_id, frequency, (last_purchase - first_purchase) / 7 AS recency,
    (getvariable('as_of') - first_purchase) / 7 AS age, repeat_revenue / nullif(frequency, 0) AS monetary_value, orders,
    revenue, margin, first_purchase, last_purchase, bought - revenue AS returns, categories
FROM customers JOIN different USING (customer_id)
ORDER BY customer_id
