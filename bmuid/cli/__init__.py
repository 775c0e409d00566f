"""The commands: bmuid for whoever runs the machine, bmadmin for the staff."""
