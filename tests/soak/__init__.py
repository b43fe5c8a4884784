"""The soak: studies that are killed and disturbed in every way we know, and must end as if nothing had happened.

``python -m tests.soak`` (or ``make soak``) runs the scenarios and prints how many attempts each one had, survived and
lost. A study runs in a process group of its own, forked from a process that has the libraries loaded already, so that
an attempt costs seconds. Random choices come from a seed that is printed and recorded.
"""
