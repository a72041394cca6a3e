"""RFM scores, segments by definition, and how customers move between segments."""
