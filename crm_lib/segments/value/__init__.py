"""How value is spread over customers: concentration, value tiers and core customers."""
