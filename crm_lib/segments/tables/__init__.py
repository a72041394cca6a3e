"""One row per customer of a window, and one row per group of customers."""
