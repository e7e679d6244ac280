"""What the addon promises, measured: no mail lost or doubled, and how fast it is.

``make faults`` and ``make bench`` run it, ``docs/benchmarks.md`` shows the results. Whatever
touches Odoo runs in processes of its own, on the library of ``tests_live/``.
"""
