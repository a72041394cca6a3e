"""Tests, intervals and resampling that several parts of segments share."""
