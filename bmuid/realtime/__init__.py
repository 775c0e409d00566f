"""Single events as they happen: quoted, rated and charged at once, reserved for and settled; functions of a transaction."""
