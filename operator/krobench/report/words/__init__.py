"""The words of findings: a module for each kind, and no sentence about a finding anywhere else.

Each module has a function that returns a *line* (no capital letter, no full stop: for a status, an
Event, a cell or a JUnit message), and if a report says more, one that returns a *paragraph*.
"""
