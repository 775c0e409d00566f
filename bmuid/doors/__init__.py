"""The faces of the registry: who asks, in what form, and how much of it is taken."""
