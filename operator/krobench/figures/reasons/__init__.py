"""Why a number is missing: a code, with the names and numbers that it rests on.

Like findings, reasons are data: ``report/words/reasons.py`` says them in words. A ``detail`` is
what another program answered, such as the API server.
"""
