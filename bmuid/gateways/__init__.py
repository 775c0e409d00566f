"""Programs of others that bmuid asks: each behind an interface of ours, and none able to do harm by failing."""
