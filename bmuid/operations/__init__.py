"""The registry of operations: one function, one operation, one transaction."""
