"""Conformance tests for networks, planes, data sets and split rules: what every one of them must do.

A package that provides one subclasses the class of its kind in a test file and names it; pytest runs the inherited
tests. The built-in ones run the same tests.

Examples
--------
>>> from harness.testing.networks import NetworkConformance
>>> class TestMyNet(NetworkConformance):
...     network = "mynet"
...     input_shapes = ((1, 85, 41),)
"""
