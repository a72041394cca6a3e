"""Transactional and relational customers, the three valuable kinds, and the risk of falling silent."""
