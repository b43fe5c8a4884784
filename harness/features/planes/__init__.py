"""The built-in planes: each module describes some, and the registry imports every module of this folder.

A new plane is one new file here that calls :func:`harness.registry.register`. It imports torch within functions,
because study files are checked without it.
"""
