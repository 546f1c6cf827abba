"""SMS-Activate's services and countries, and how a provider's own names meet them."""
