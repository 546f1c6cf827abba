"""The use cases: what the doors can ask of this house, each a short story over providers and books."""
