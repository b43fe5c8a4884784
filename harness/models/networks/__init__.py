"""The built-in networks: each module describes some, and the registry imports every module of this folder.

A new network is one new file here that calls :func:`harness.registry.register`. It imports torch within functions,
because study files are checked without it; the layers of a larger network may be in a module that the description
names.
"""
