"""`make run`: everything Switchboard needs, on one machine, under one supervisor.

Plain Python, no Django: it only starts programs. `environment` says what they are given, `claims` makes sure
that nobody else is there, `redis_server` is the embedded Valkey, `programs` are the commands, `supervisor`
keeps them alive and stops them in order, `screen` talks to the person at the terminal.
"""
