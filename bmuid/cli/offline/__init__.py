"""Rating without a database: catalogue, customers and usage from files."""
