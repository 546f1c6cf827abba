"""SMS coming in from providers."""
