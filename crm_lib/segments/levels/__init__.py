"""Kotler's five relationship levels, by number of customers and margin."""
