"""Model files: does the name fit the code, and is it what LEMUR's `train` can use?"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from ab.gpt.contribute.finding import Finding, found
from ab.gpt.contribute.layout import model_file
from ab.gpt.errors import NNCaptionError
from ab.gpt.gate.finding import Severity
from ab.gpt.lemur.names import BadName, check_name, lemur_hash

_HASH = re.compile(r"-([0-9a-f]{32})\Z")
_METHODS = ("__init__", "train_setup", "learn")
_ARGUMENTS = ("in_shape", "out_shape", "prm", "device")
_MODULES = frozenset({"nn.Module", "torch.nn.Module", "Module"})


class CodeFinding(Protocol):
    """What a check of code finds; the gate's findings are such."""

    @property
    def code(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def sentence(self) -> str: ...
    @property
    def advice(self) -> str: ...
    @property
    def severity(self) -> Severity: ...


CheckCode = Callable[[str], Iterable[CodeFinding]]
"""A check of a network's code, such as the gate's."""


class Model(NamedTuple):
    """What was read of a model: what is wrong, and its hyper-parameters where the code says them plainly."""

    name: str
    findings: list[Finding]
    hyper_parameters: list[str] | None


def check_models(folder: Path, names: list[str]) -> list[Model]:
    """What is known of the named models."""
    return [check_model(folder / f"{name}.py", name) for name in names]


def check_model(path: Path, name: str) -> Model:
    """What is known of one model from its file, which is not run."""
    file = model_file(name)
    findings = []
    try:
        check_name(name)
    except BadName:
        findings.append(found("M001", file, f"LEMUR cannot use {name!r} as the name of a model."))
    try:
        code = path.read_text(encoding="utf-8")
        tree = ast.parse(code)
    except OSError as error:
        return Model(name, [*findings, found("M002", file, f"It cannot be read: {error.strerror or error}.")], None)
    except SyntaxError as error:
        return Model(name, [*findings, found("M002", file, f"No Python: {error.msg}.", error.lineno or 0)], None)
    except (ValueError, RecursionError, MemoryError) as error:
        return Model(name, [*findings, found("M002", file, f"No Python text: {error}.")], None)
    hashed = _HASH.search(name)
    if hashed and hashed[1] != lemur_hash(code):
        findings.append(found("M003", file, f"The name says {hashed[1][:8]}…, the code is {lemur_hash(code)[:8]}…."))
    findings += _check_net(tree, file)
    return Model(name, findings, _hyper_parameters(tree))


def check_by_gate(path: Path, name: str, check_code: CheckCode) -> list[Finding]:
    """The gate's findings in a model, as findings in the repository: `gate-C008`, as its codes are not verify's."""
    file = model_file(name)
    try:
        code = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []  # said already
    try:
        return [
            Finding(f"gate-{one.code}", file, one.line, one.sentence, one.advice, Severity(one.severity))
            for one in check_code(code)
        ]
    except NNCaptionError as error:
        return [Finding("M002", file, 0, f"It could not be checked: {error.what}", error.way_out)]


def _check_net(tree: ast.Module, file: str) -> list[Finding]:
    findings = []
    bound = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    if not {"Net", "supported_hyperparameters"} <= bound:
        bound = set(_bound(tree))
    for name, what in (("Net", "class"), ("supported_hyperparameters", "function")):
        if name not in bound:
            findings.append(found("M004", file, f"There is no {what} {name}."))
    for net in (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Net"):
        methods = {node.name: node for node in net.body if isinstance(node, ast.FunctionDef)}
        # What is inherited from elsewhere cannot be told from here.
        if {ast.unparse(base) for base in net.bases} <= _MODULES:
            findings += [
                found("M004", file, f"Net has no method {name}.", net.lineno)
                for name in _METHODS
                if name not in methods
            ]
        start = methods.get("__init__")
        if start is not None and not start.args.vararg and not _takes_four(start.args):
            sentence = f"Net does not take ({', '.join(_ARGUMENTS)})."
            findings.append(found("M004", file, sentence, start.lineno))
    return findings


def _takes_four(arguments: ast.arguments) -> bool:
    """LEMUR gives them by position: their names are the author's."""
    places = [*arguments.posonlyargs, *arguments.args][1:]
    needed = len(places) - len(arguments.defaults)
    return needed <= len(_ARGUMENTS) <= len(places) and not any(default is None for default in arguments.kw_defaults)


def _bound(tree: ast.Module) -> Iterable[str]:
    """The names that a module has after its import, as far as they are written down."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _hyper_parameters(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "supported_hyperparameters":
            returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
            if len(returns) != 1:
                return None
            try:
                names = ast.literal_eval(returns[0].value)  # type: ignore[arg-type]
            except (ValueError, TypeError):
                return None
            plain = isinstance(names, (set, list, tuple)) and all(isinstance(name, str) for name in names)
            return sorted(names) if plain else None
    return None
