"""A tree of the world's telephone numbers, made from the data of the phonenumbers library."""
