"""Histories made up by a seed: the whole house against providers, clients and a machine that misbehave."""
