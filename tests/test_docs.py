"""Every public function with four or more parameters documents each of them.

A parameter counts as documented where the docstring has an entry for it (``name : type``, as numpydoc has it) or writes
it as ``name``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent
FEWEST = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_parameters_are_documented() -> None:
    missing = [line for path in sorted(PACKAGE.rglob("*.py")) for line in undocumented(path.read_text(), name_of(path))]
    assert not missing, "parameters without documentation:\n" + "\n".join(missing)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('def f(a, b, c, *, d):\n    "Take ``a`` and ``b``, a c and no d."', ["m.py: f: c, d"]),
        ('def f(a, b, c, *d):\n    """Parameters\n    ----------\n    a, b : int\n    c\n    *d : str\n    """', []),
        ('def f(a, b, c):\n    "Three need none."', []),
        ('def _f(a, b, c, d):\n    "Private."', []),
        ('@cli.command("x")\ndef f(a, b, c, d):\n    "A command."', []),
        ('def f():\n    def g(a, b, c, d):\n        "Nested."', []),
        ('class C:\n    def f(self, a, b, c):\n        "Self does not count."', []),
        (
            'class C:\n    "Takes ``a``, ``b`` and ``c``."\n    def __init__(self, a, b, c, d): ...',
            ["m.py: C.__init__: d"],
        ),
        ("class C:\n    def f(self, a, b, *rest, **options): ...", ["m.py: C.f: a, b, rest, options"]),
        ("class _C:\n    def f(self, a, b, c, d): ...", []),
        ("@overload\ndef f(a, b, c, d): ...", []),
    ],
)
def test_what_counts_as_documented(source: str, expected: list[str]) -> None:
    assert undocumented(source, "m.py") == expected


def undocumented(source: str, name: str) -> list[str]:
    """One line per public function: file, function, and the parameters its docstring does not name."""
    lines = []
    for function, owner in public_functions(ast.parse(source)):
        parameters = parameters_of(function)
        documented = ast.get_docstring(owner if owner and function.name == "__init__" else function) or ""
        absent = [one for one in parameters if not is_documented(one, documented)]
        if len(parameters) >= FEWEST and absent:
            lines.append(f"{name}: {owner.name + '.' if owner else ''}{function.name}: {', '.join(absent)}")
    return lines


def is_documented(parameter: str, docstring: str) -> bool:
    entries = [line.partition(" : ")[0].replace("*", "").split(", ") for line in docstring.splitlines()]
    return f"``{parameter}``" in docstring or any(parameter in entry for entry in entries)


def public_functions(module: ast.Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """Functions of the module and methods of its public classes, without commands, overloads and nested functions."""
    for node in module.body:
        if isinstance(node, Function):
            if not node.name.startswith("_") and not is_command(node) and not is_overload(node):
                yield node, None
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, Function) and (member.name == "__init__" or not member.name.startswith("_")):
                    yield member, node


def is_overload(function: Function) -> bool:
    return any(ast.unparse(decorator) == "overload" for decorator in function.decorator_list)


def is_command(function: Function) -> bool:
    return any(re.search(r"\.(command|group)\b", ast.unparse(decorator)) for decorator in function.decorator_list)


def parameters_of(function: Function) -> list[str]:
    arguments = function.args
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one]
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]
    return [one.arg for one in named if one.arg not in ("self", "cls")]


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()
