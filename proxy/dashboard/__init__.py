"""The operator's door: JSON about everything, and whether the gateway is well."""
