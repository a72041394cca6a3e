"""What potential customers are worth, from what is known when they are acquired."""
