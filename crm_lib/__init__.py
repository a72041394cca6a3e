"""Customer relationship management: from a company's tables to findings."""
