"""A gateway that speaks the SMS-Activate protocol in front of several virtual-number providers."""
