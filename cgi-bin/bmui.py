#!/usr/bin/env -S python3 -I
"""The customer interface as a web server runs it: one process, one request, one page."""

from bmu.ui.script import main

main()
