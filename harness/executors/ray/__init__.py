"""Fold tasks on a Ray cluster.

The process of ``run-study`` alone takes tasks, records and decides; Ray starts processes and carries tasks and results.
Ray exchanges pickles within its cluster, the stated exception to the rule that nothing is unpickled; therefore the
cluster is one of this program's own, on the loopback address, or one whose address is given, with a token that each
process must have.
"""
