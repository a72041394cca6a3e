"""The life-cycle stage of each customer, and the early warning of decline."""
