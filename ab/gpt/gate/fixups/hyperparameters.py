"""The hyper-parameters that LEMUR gives: asked for exactly, at the right place, and read by their names."""

from __future__ import annotations

import ast

from ab.gpt.gate.check.promises import is_bound, plain_set
from ab.gpt.gate.fixups.sheet import Sheet
from ab.gpt.gate.source import Edit

_KEYS = {
    **dict.fromkeys(("learning_rate", "learningrate", "learn_rate", "lr_rate", "LR", "Lr", "base_lr"), "lr"),
    **dict.fromkeys(("mom", "Momentum", "momentum_rate"), "momentum"),
}
"""What the keys of LEMUR's hyper-parameters are called by mistake."""
_DROPOUT = "{prm}.get({key!r}, 0.2)"


def right_hyperparameters(sheet: Sheet) -> list[Edit]:
    """Makes `supported_hyperparameters` stand at the top level, take nothing and return exactly what LEMUR gives.

    More is left where the file reads it: LEMUR then gives that too.
    """
    wanted = sheet.contract.function("supported_hyperparameters")
    exactly = "{" + ", ".join(map(repr, sorted(sheet.contract.hyperparameters))) + "}"
    function = sheet.code.functions.get(wanted.name)
    if function is not None:
        return _right(sheet, function, exactly)
    if sheet.net is None or is_bound(sheet.code, wanted.name):
        return []
    text = sheet.source.text
    edits: list[Edit] = []
    inside = [
        (cls, node)
        for cls in sheet.code.classes.values()
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and node.name == wanted.name
    ]
    for cls, method in inside:
        if len(cls.body) > 1 and not sheet.used_names().get(wanted.name):
            edits.append((sheet.source.first_line(method), sheet.source.after(method), ""))
    body = wanted.standard.format(hyperparameters=exactly)
    gap = "\n\n" if text.endswith("\n") else "\n\n\n"
    edits.append((len(text), len(text), f"{gap}{wanted.signature}:\n    {body}\n"))
    return edits


def _right(sheet: Sheet, function: ast.FunctionDef, exactly: str) -> list[Edit]:
    edits: list[Edit] = []
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    names = {argument.arg for argument in plain}
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    if len(plain) > len(arguments.defaults) and not names & used and not (arguments.vararg or arguments.kwarg):
        last = max([*map(sheet.source.end, plain), *map(sheet.source.end, arguments.defaults)])
        edits.append((sheet.source.start(plain[0]), last, ""))
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    if not returns and function.body[-1].lineno > function.lineno:
        last_statement = function.body[-1]
        place = sheet.source.after(last_statement)
        before = "" if sheet.source.text[:place].endswith("\n") else "\n"
        edits.append((place, place, f"{before}{sheet.source.indent(last_statement)}return {exactly}\n"))
    for node in returns:
        if _is_wrong(sheet, node.value):
            end = sheet.source.end(node)
            start = sheet.source.start(node.value) if node.value else end
            edits.append((start, end, exactly if node.value else f" {exactly}"))
    return edits


def _is_wrong(sheet: Sheet, value: ast.expr | None) -> bool:
    """True for a literal that is no set, lacks something, or holds what the file never reads."""
    if value is None:
        return True
    given = plain_set(value)
    if given is None or (isinstance(value, ast.Tuple) and not value.elts):
        return False
    wanted = sheet.contract.hyperparameters
    if isinstance(value, (ast.List, ast.Tuple, ast.Dict, ast.Constant)) or not wanted <= given:
        return True
    within = {id(node) for node in ast.walk(value)}
    read = {
        node.value
        for node in sheet.code.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within
    }
    return any(name not in read for name in given - wanted)


def real_keys(sheet: Sheet) -> list[Edit]:
    """Reads hyper-parameters by the names under which LEMUR gives them, and dropout with a modest default."""
    named = _given_names(sheet)
    wanted = sheet.contract.hyperparameters
    edits: list[Edit] = []
    for node in sheet.code.nodes:
        if not isinstance(node, (ast.Subscript, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
            continue
        if not isinstance(node.value, (ast.Name, ast.Attribute)) or ast.unparse(node.value) not in named:
            continue
        prm = ast.unparse(node.value)
        start, end = sheet.source.start(node), sheet.source.end(node)
        if isinstance(node, ast.Attribute):
            key = _KEYS.get(node.attr, node.attr)
            if key in wanted:
                edits.append((start, end, f"{prm}[{key!r}]"))
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            key = node.slice.value
            if key in _KEYS and key not in wanted:
                edits.append((sheet.source.start(node.slice), sheet.source.end(node.slice), repr(_KEYS[key])))
            elif "dropout" in key.lower() or key == "drop":
                edits.append((start, end, _DROPOUT.format(prm=prm, key=key)))
    return edits


def _given_names(sheet: Sheet) -> set[str]:
    """What the hyper-parameters are called in the network's class."""
    names = {"prm", "self.prm"}
    for method, position in (("__init__", 3), ("train_setup", 1)):
        function = sheet.method(method)
        if function is not None and len(function.args.args) > position:
            names.add(function.args.args[position].arg)
    return names
