"""What is true of usage and money, without a socket or a database."""
