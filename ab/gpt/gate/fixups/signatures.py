"""Definitions as LEMUR calls them: the class a module, its methods with the right arguments."""

from __future__ import annotations

import ast
import re

from ab.gpt.gate.check.promises import without_super
from ab.gpt.gate.contract import Function
from ab.gpt.gate.fixups.sheet import Sheet
from ab.gpt.gate.source import Edit


def class_of_module(sheet: Sheet) -> list[Edit]:
    """Makes the network's class an `nn.Module`, where it has no ancestor or one that does not exist."""
    net = sheet.net
    if net is None or net.keywords:
        return []
    text = sheet.source.text
    if not net.bases:
        end = text.index(net.name, sheet.source.start(net) + len("class ")) + len(net.name)
        head = re.compile(r"[ \t]*(?:\([ \t]*\))?[ \t]*(?=:)").match(text, end)
        return [(end, head.end(), "(nn.Module)")] if head else []
    if len(net.bases) > 1:
        return []
    [base] = net.bases
    name = base.id if isinstance(base, ast.Name) else ""
    missing = name == "object" or (name == "Module" and name in sheet.code.unbound)
    if missing or sheet.code.meant(base) == "torch.Module":
        return [(sheet.source.start(base), sheet.source.end(base), "nn.Module")]
    return []


def right_signatures(sheet: Sheet) -> list[Edit]:
    """Puts in `self`, arguments and defaults that a mandatory method lacks, and its arguments in LEMUR's order."""
    if sheet.net is None:
        return []
    own = {node.name: node for node in sheet.net.body if isinstance(node, ast.FunctionDef)}
    edits: list[Edit] = []
    for function in sheet.contract.functions:
        method = own.get(function.name)
        if function.in_class and method is not None and not method.decorator_list:
            edits += _signature(sheet, function, method)
    return edits


def _signature(sheet: Sheet, wanted: Function, method: ast.FunctionDef) -> list[Edit]:
    arguments = method.args
    if arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs:
        return []
    plain = arguments.args
    known = (*wanted.arguments, *wanted.optional)
    if not plain or plain[0].arg in known:
        uses_self = any(isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(method))
        if not uses_self or any(argument.arg == "self" for argument in plain):
            return []
        opening = sheet.source.text.index("(", sheet.source.start(method)) + 1
        return [(opening, opening, "self, " if plain else "self")]
    given = plain[1:]
    names = [argument.arg for argument in given]
    required = len(given) - min(len(given), len(arguments.defaults))
    count = len(wanted.arguments)
    if required >= count and sorted(names[:count]) == sorted(wanted.arguments):
        edits = _in_order(sheet, wanted, given[:count]) if names[:count] != list(wanted.arguments) else []
        if not edits and set(names[count:required]) <= set(wanted.optional):
            edits = [(end, end, "=None") for end in map(sheet.source.end, given[count:required])]
        return edits
    if len(names) < count and not arguments.defaults and _is_subsequence(names, wanted.arguments):
        return _with_missing(sheet, wanted, plain)
    return []


def _in_order(sheet: Sheet, wanted: Function, given: list[ast.arg]) -> list[Edit]:
    text = sheet.source.text
    written = {argument.arg: text[sheet.source.start(argument) : sheet.source.end(argument)] for argument in given}
    return [
        (sheet.source.start(argument), sheet.source.end(argument), written[name])
        for argument, name in zip(given, wanted.arguments, strict=True)
    ]


def _with_missing(sheet: Sheet, wanted: Function, plain: list[ast.arg]) -> list[Edit]:
    edits: list[Edit] = []
    last = plain[0]
    by_name = {argument.arg: argument for argument in plain[1:]}
    for name in wanted.arguments:
        if name in by_name:
            last = by_name[name]
        else:
            end = sheet.source.end(last)
            edits.append((end, end, f", {name}"))
    return edits


def _is_subsequence(names: list[str], wanted: tuple[str, ...]) -> bool:
    left = iter(wanted)
    return all(name in left for name in names)


def with_super(sheet: Sheet) -> list[Edit]:
    """Puts `super().__init__()` first into constructors of modules that never call it."""
    edits: list[Edit] = []
    for _, init in without_super(sheet.code):
        body = init.body
        text = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        first = body[1] if text and len(body) > 1 else body[0]
        if first.lineno == init.lineno:
            continue  # all on one line
        if first is body[0] and text:
            place = sheet.source.after(first)
        else:
            place = sheet.source.first_line(first)
        edits.append((place, place, f"{sheet.source.indent(first)}super().__init__()\n"))
    return edits
