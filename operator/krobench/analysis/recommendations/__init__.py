"""What to change, by what a run has measured.

A rule takes a :class:`~.case.Case`, which is a test and all that is known of it, and returns a
recommendation with its weight, or None. ``docs/explanation/recommendations.md`` lists all rules,
what each is based on, and what is never advised.
"""
