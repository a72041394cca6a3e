"""Clusters of behaviour, whether there are any, and what a grouping predicts."""
