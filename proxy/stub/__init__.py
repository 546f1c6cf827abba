"""The protocol that clients see: SMS-Activate's words in, our use cases, its words out."""
