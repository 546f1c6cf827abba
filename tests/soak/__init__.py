"""A real gateway under everything at once, for as long as one likes: what it keeps, and whether its books are right."""
