"""How providers are asked and understood."""
