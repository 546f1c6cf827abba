"""What runs by itself: codes, prices, balances, endings, and the settlement of what is unknown."""
