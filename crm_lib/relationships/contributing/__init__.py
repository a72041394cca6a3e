"""Customers who review, refer and co-develop, and their influence."""
