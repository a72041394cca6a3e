"""Intervals and tests that the libraries lack, or that hold better for customers than theirs."""
