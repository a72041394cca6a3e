"""Who a segment is: profiles by effect size, and the five Ws and one H."""
