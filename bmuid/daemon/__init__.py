"""The daemon: Twisted services, pools of connections, processes. No SQL, no prices."""
