"""Whether a network has the functions that LEMUR calls, and whether they can be called so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import Function
from ab.gpt.gate.finding import Finding

_MODULE_CLASSES = ("torch.nn.Module", "torch.nn.modules.Module", "torch.nn.modules.module.Module")


def check_promises(code: Code) -> Iterator[Finding]:
    """Findings about the class, its methods and the hyper-parameters."""
    name = code.contract.class_name
    yield from _check_hyperparameters(code)
    net = code.classes.get(name)
    if net is None:
        if not is_bound(code, name):
            yield code.finding("C001", 0)
        return
    family = lineage(code, net)
    if not family.known_module:
        yield code.finding("C002", net)
    for function in code.contract.functions:
        if not function.in_class:
            continue
        method = family.methods.get(function.name)
        if method is None:
            if function.name == "__init__" and not family.complete:
                continue  # inherited from a class that is not in this file
            yield code.finding(
                "C003", net, f"{name} has no method {function.name}.", f"Write `{function.signature}`: {function.why}"
            )
        else:
            yield from _check_call(code, function, method)
    yield from _check_super(code)


@dataclass(frozen=True)
class Lineage:
    """A class with what it inherits from other classes of the file."""

    methods: dict[str, ast.FunctionDef]
    known_module: bool
    complete: bool
    """True where every ancestor but nn.Module itself stands in the file."""


def lineage(code: Code, cls: ast.ClassDef) -> Lineage:
    """A class's methods, its ancestors' included."""
    methods: dict[str, ast.FunctionDef] = {}
    known_module, complete = False, True
    waiting, seen = [cls], set()
    while waiting:
        at = waiting.pop(0)
        if at.name in seen:
            continue
        seen.add(at.name)
        for node in at.body:
            if isinstance(node, ast.FunctionDef):
                methods.setdefault(node.name, node)
        for base in at.bases:
            if isinstance(base, ast.Name) and base.id in code.classes:
                waiting.append(code.classes[base.id])
            else:
                # A class of torchvision or the like is a module too; only `object` and nothing at all are not.
                known_module = known_module or not (isinstance(base, ast.Name) and base.id == "object")
                complete = complete and code.meant(base) in _MODULE_CLASSES
    return Lineage(methods, known_module, complete)


def is_bound(code: Code, name: str) -> bool:
    """True where the name comes about otherwise than by a class statement, such as `Net = Captioner`."""
    assigned = {
        target.id
        for node in code.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return name in assigned or name in code.imports


def _check_call(code: Code, wanted: Function, method: ast.FunctionDef) -> Iterator[Finding]:
    arguments = method.args
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in method.decorator_list)
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)][0 if static else 1 :]
    required = len(names) - min(len(names), len(arguments.defaults))
    needed_by_keyword = [
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    write = f"Write `{wanted.signature}`."
    count = len(wanted.arguments)
    if not static and not (arguments.posonlyargs or arguments.args or arguments.vararg):
        yield code.finding("C004", method, f"{wanted.name} lacks self.", write)
    elif required > count or needed_by_keyword:
        asked = [*names[count:required], *needed_by_keyword]
        yield code.finding(
            "C004", method, f"{wanted.name} demands {', '.join(asked)}, which LEMUR does not pass.", write
        )
    elif len(names) < count and not arguments.vararg:
        yield code.finding("C004", method, f"{wanted.name} takes {len(names)} of the {count} arguments.", write)
    else:
        given = names[:count]
        if given != list(wanted.arguments) and set(given) == set(wanted.arguments):
            yield code.finding("C004", method, f"{wanted.name} has its arguments in another order.", write)
        elif wrong := [name for name, right in zip(given, wanted.arguments, strict=False) if name != right]:
            yield code.finding("C009", method, f"{wanted.name} calls {', '.join(wrong)} otherwise than LEMUR does.")


def _check_hyperparameters(code: Code) -> Iterator[Finding]:
    wanted = code.contract.function("supported_hyperparameters")
    should = "{" + ", ".join(sorted(map(repr, code.contract.hyperparameters))) + "}"
    function = code.functions.get(wanted.name)
    if function is None:
        inside = [
            node
            for cls in code.classes.values()
            for node in cls.body
            if isinstance(node, ast.FunctionDef) and node.name == wanted.name
        ]
        if inside:
            yield code.finding("C006", inside[0])
        elif not is_bound(code, wanted.name):
            write = f"Write `{wanted.signature}: return {should}` at the top level."
            yield code.finding("C003", 0, f"There is no function {wanted.name}.", write)
        return
    arguments = function.args
    if len(arguments.args) + len(arguments.posonlyargs) > len(arguments.defaults):
        yield code.finding("C004", function, f"{wanted.name} demands arguments.", f"Write `{wanted.signature}`.")
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            given = plain_set(node.value)
            if given is None:
                continue  # computed: the smoke run sees what comes out
            if missing := code.contract.hyperparameters - given:
                yield code.finding(
                    "C005", node, f"supported_hyperparameters lacks {', '.join(sorted(missing))}.", f"Return {should}."
                )
            elif extra := given - code.contract.hyperparameters:
                yield code.finding("C008", node, f"supported_hyperparameters has {', '.join(sorted(extra))} as well.")


def plain_set(node: ast.expr | None) -> set[str] | None:
    """The texts of a literal set, list or tuple; None for anything that must be computed."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset"):
        node = node.args[0] if node.args else ast.Set(elts=[])
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.Dict):
        return {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    if not isinstance(node, (ast.Set, ast.List, ast.Tuple)):
        return None
    values = [item.value for item in node.elts if isinstance(item, ast.Constant)]
    return {value for value in values if isinstance(value, str)} if len(values) == len(node.elts) else None


def _check_super(code: Code) -> Iterator[Finding]:
    for cls, init in without_super(code):
        yield code.finding("C007", init, f"The constructor of {cls.name} never calls super().__init__().")


def without_super(code: Code) -> Iterator[tuple[ast.ClassDef, ast.FunctionDef]]:
    """The modules whose constructor never calls their ancestor's."""
    for cls in code.classes.values():
        family = lineage(code, cls)
        init = next((n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        if init is None or not family.known_module or not any(map(code.meant, cls.bases)):
            continue
        calls = (node.func for node in ast.walk(init) if isinstance(node, ast.Call))
        if not any(isinstance(call, ast.Attribute) and call.attr == "__init__" for call in calls):
            yield cls, init
