"""The profile of a switch whose files say at their end what they hold."""

COUNTED = """
code = "counted"
name = "A switch that counts its rows"
encoding = "utf-8"
fields = ["id", "from", "to", "at", "seconds"]
identities = [["id"]]
usage_class = "voice"
quantity = "seconds"
origin = "from"
destination = "to"
layout = { kind = "DELIMITED", quoting = "NONE", delimiter = "|", widths = [5], comment = "#" }
uid = [{ type = "phone", field = "from", form = "NUMBER" }]
started = { field = "at", clock = "EPOCH" }
header = { begins = "HDR|" }
[trailer]
row = { begins = "TRL|", fields = ["mark", "count", "total"] }
count = "count"
sums = [{ field = "total", of = "seconds" }]
"""
