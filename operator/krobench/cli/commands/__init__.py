"""The commands for users: their options, their help, and how they end.

Each imports the modules that do its work when it runs, so that the load Job, which starts by the
same command line, starts fast and stays small.
"""
