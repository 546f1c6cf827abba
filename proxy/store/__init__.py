"""The books: all SQL stands in this room.

Writes are functions over a `Transaction`, run by one thread that commits all waiting ones together; what they changed
is brought into the live view in the order of the commits, before anybody is told.
"""
