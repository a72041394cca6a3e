-- Bits instead of distinct categories and channels (there are fewer than 63 of each), days as lists: no window, no sort.
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
customers AS (
    SELECT customer_id, list_sort(list_distinct(list(day) FILTER (bought IS NOT NULL))) AS dates,
        count(DISTINCT order_id) FILTER (bought IS NOT NULL) AS orders, sum(bought) AS bought, sum(revenue) AS revenue,
        sum(margin) AS margin, sum(discount) AS discount, bit_count(bit_or(category_bits)) AS categories,
        bit_count(bit_or(channel_bits)) AS channels
    FROM orders GROUP BY customer_id HAVING count(bought) > 0
),
days AS (
    SELECT customer_id, day, sum(bought) AS bought_that_day FROM orders GROUP BY ALL
)
SELECT customer_id, len(dates) - 1 AS frequency, (dates[-1] - dates[1]) / 7 AS recency,
    (getvariable('as_of') - dates[1]) / 7 AS age,
    (bought - bought_that_day) / nullif(len(dates) - 1, 0) AS monetary_value, orders, revenue, margin,
    dates[1] AS first_purchase, dates[-1] AS last_purchase, bought - revenue AS returns,
    discount / nullif(discount + bought, 0) AS discount_share, categories, channels,
    list_median(list_transform(range(1, len(dates)), LAMBDA i : dates[i + 1] - dates[i])) / 7 AS median_gap
FROM customers JOIN days USING (customer_id)
WHERE day = dates[1]
ORDER BY customer_id
