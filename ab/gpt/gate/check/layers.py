"""Layers that torch does not have, and calls that it does not understand."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ab.gpt.gate.check.catalogue import Call, Catalogue, call_of
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.check.promises import lineage
from ab.gpt.gate.finding import Finding


def check_layers(code: Code, torch: Catalogue) -> Iterator[Finding]:
    """Findings about names that torch lacks, wrong arguments, and attributes that nobody sets."""
    inner = {id(node.value) for node in code.nodes if isinstance(node, ast.Attribute)}
    for node in code.nodes:
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            yield from _check_name(code, torch, node, code.meant(node))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                if alias.name != "*":
                    yield from _check_name(code, torch, node, f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Call):
            yield from _check_arguments(code, torch, node)
    yield from _check_attributes(code, torch)


def nearest(name: str, names: Iterable[str]) -> str:
    """The name among these that was most likely meant, or nothing."""
    by_lower: dict[str, str] = {}
    for known in names:
        if not known.startswith("_"):
            by_lower[known.lower().replace("_", "")] = known
    found = get_close_matches(name.lower().replace("_", ""), by_lower, n=1, cutoff=0.7)
    return by_lower[found[0]] if found else ""


def _check_name(code: Code, torch: Catalogue, node: ast.AST, meant: str) -> Iterator[Finding]:
    parts = meant.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:end])
        if module not in torch.names:
            continue
        name = parts[end]
        if name not in torch.names[module]:
            near = nearest(name, torch.names[module])
            yield code.finding("U002", node, f"{module}.{name} does not exist.", f"Do you mean {near}?" if near else "")
        return


def _check_arguments(code: Code, torch: Catalogue, node: ast.Call) -> Iterator[Finding]:
    meant = code.meant(node.func)
    call = torch.calls.get(meant)
    if call is None and isinstance(node.func, ast.Name) and node.func.id in code.classes:
        meant, call = node.func.id, _own_call(code, code.classes[node.func.id])
    if call is None:
        return
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    given = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
    doubly_starred = any(keyword.arg is None for keyword in node.keywords)
    for name in sorted(given - call.keywords):
        if not call.any_keyword:
            near = nearest(name, call.keywords)
            advice = f"Do you mean {near}?" if near else f"It takes {', '.join(call.positional) or 'none'}."
            yield code.finding("U003", node, f"{meant} has no argument {name}.", advice)
    if len(node.args) > len(call.positional) and not call.any_positional and not starred:
        takes = f"It takes {', '.join(call.positional) or 'none'}."
        yield code.finding("U003", node, f"{meant} is called with {len(node.args)} arguments by position.", takes)
        return
    if starred or doubly_starred:
        return
    by_position = set(call.positional[: len(node.args)])
    if twice := by_position & given:
        yield code.finding("U003", node, f"{meant} gets {', '.join(sorted(twice))} twice.", "Give it once.")
    if missing := call.required - by_position - given:
        lacking = ", ".join(name for name in (*call.positional, *sorted(call.keywords)) if name in missing)
        yield code.finding(
            "U003", node, f"{meant} is called without {', '.join(dict.fromkeys(lacking.split(', ')))}.", "Give it."
        )


def _own_call(code: Code, cls: ast.ClassDef) -> Call | None:
    """How a class of the file is built; None where that stands elsewhere."""
    init = lineage(code, cls).methods.get("__init__")
    if init is None or cls.decorator_list or cls.keywords:
        return None
    if any(isinstance(node, ast.FunctionDef) and node.name == "__new__" for node in cls.body):
        return None
    arguments = init.args
    plain = [*arguments.posonlyargs, *arguments.args]
    without = len(plain) - len(arguments.defaults)
    parameters = [(a.arg, "POSITIONAL_OR_KEYWORD", number >= without) for number, a in enumerate(plain)][1:]
    parameters += [
        (argument.arg, "KEYWORD_ONLY", default is not None)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.vararg:
        parameters.append((arguments.vararg.arg, "VAR_POSITIONAL", True))
    if arguments.kwarg:
        parameters.append((arguments.kwarg.arg, "VAR_KEYWORD", True))
    return call_of(parameters)


def _check_attributes(code: Code, torch: Catalogue) -> Iterator[Finding]:
    """Attributes of self that are read and that nothing sets, in classes whose ancestors are all known."""
    for cls in code.classes.values():
        family = lineage(code, cls)
        if not family.complete:
            continue
        # What a class or anything that inherits from it may set; texts may be names of buffers.
        set_somewhere = {
            node.attr for node in code.nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        }
        texts = {node.value for node in code.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        in_bodies = {
            target.id
            for other in code.classes.values()
            for node in other.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        methods = {n.name for other in code.classes.values() for n in other.body if isinstance(n, ast.FunctionDef)}
        known = set_somewhere | texts | in_bodies | methods | torch.module
        told: set[str] = set()
        for node in ast.walk(cls):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
                and node.attr not in known | told
            ):
                told.add(node.attr)
                yield code.finding("U004", node, f"self.{node.attr} is used in {cls.name}, and nothing sets it.")
