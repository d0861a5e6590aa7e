"""What to change, from what a run has measured.

Each module has the rules of one area. A rule takes a :class:`~.case.Case`, which is a test and all
that is known of it, and returns a finding or None. ``docs/explanation/recommendations.md`` lists
all rules, with what each rests on, and what is never advised.
"""
