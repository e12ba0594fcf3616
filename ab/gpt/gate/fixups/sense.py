"""How little sense a piece of code makes, to choose between several ways of mending it."""

from __future__ import annotations

import ast

from ab.gpt.gate.check.catalogue import Catalogue
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.check.layers import check_layers

_HOLD_LAYERS = {
    "Sequential", "ModuleList", "ModuleDict", "TransformerDecoder", "TransformerEncoder", "DataParallel", "Module",
    "weight_norm", "spectral_norm",
}  # fmt: skip
_TAKES = {
    "append": (1, 1), "len": (1, 1), "float": (0, 1), "int": (0, 2), "unsqueeze": (1, 1), "squeeze": (0, 1),
    "size": (0, 1), "item": (0, 0), "backward": (0, 1), "zero_grad": (0, 0), "step": (0, 1), "parameters": (0, 0),
    "contiguous": (0, 0), "argmax": (0, 2), "enumerate": (1, 2), "sqrt": (1, 1), "isinstance": (2, 2),
    "children": (0, 0),
    "relu": (1, 1), "tanh": (0, 1), "sigmoid": (0, 1), "dim": (0, 0), "long": (0, 0), "zip": (2, 9), "list": (0, 1),
    "flatten": (0, 3), "super": (0, 2), "range": (1, 3), "cat": (1, 2), "stack": (1, 2), "items": (0, 0),
    "full": (2, 3),
}  # fmt: skip
"""How many arguments by position usual functions and methods take."""
_FORWARD = {
    "Linear": (1, 1), "Conv1d": (1, 1), "Conv2d": (1, 1), "Embedding": (1, 1), "Dropout": (1, 1), "LayerNorm": (1, 1),
    "BatchNorm1d": (1, 1), "BatchNorm2d": (1, 1), "ReLU": (1, 1), "GELU": (1, 1), "SiLU": (1, 1), "Tanh": (1, 1),
    "Sequential": (1, 1), "MaxPool2d": (1, 1), "AvgPool2d": (1, 1), "AdaptiveAvgPool2d": (1, 1), "LSTM": (1, 2),
    "AdaptiveMaxPool2d": (1, 1), "GRU": (1, 2), "LSTMCell": (1, 2), "GRUCell": (1, 2), "CrossEntropyLoss": (2, 2),
    "NLLLoss": (2, 2), "TransformerDecoder": (1, 2), "TransformerEncoder": (1, 1),
}  # fmt: skip
"""How many tensors by position a layer takes when it is called."""


_WITHOUT_KEYWORDS = ("float", "int", "len", "range", "isinstance", "append")
_TYPES = frozenset(f"torch.{name}" for name in ("float", "float16", "float32", "long", "int", "int64", "bool", "half"))
_MODULES = ("torch", "torch.nn", "torch.nn.functional", "torchvision", "math")
_TUPLES = ("in_shape", "out_shape")


def nonsense(code: Code, torch: Catalogue | None) -> int:
    """A count of what makes no sense; 0 for usual code."""
    found = sum(finding.is_error for finding in check_layers(code, torch)) * 3 if torch else 0
    takes = {**_TAKES, **_own(code)}
    for node in code.nodes:
        if isinstance(node, ast.Call):
            found += _odd_call(code, node, takes)
        elif isinstance(node, (ast.Attribute, ast.BinOp)):
            found += 2 * any(code.meant(part) in _TYPES for part in ast.iter_child_nodes(node))
            found += 2 * (isinstance(node, ast.Attribute) and node.attr in ("float", "long") and _is_device(node.value))
        elif isinstance(node, ast.Subscript):
            name = ast.unparse(node.value)
            found += 2 * (name.endswith("device") or (name in _TUPLES and isinstance(node.slice, ast.Tuple)))
        elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Tuple, ast.Compare, ast.List, ast.Set)):
            found += 2
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.targets) == 1:
            # `x = a(b), c` is seldom meant; `x, y = a, b` is.
            found += isinstance(node.targets[0], (ast.Name, ast.Attribute)) and not _in_brackets(node.value)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant):
            found += 1
    return found


def _odd_call(code: Code, node: ast.Call, takes: dict[str, tuple[int, int]]) -> int:
    function = node.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    odd = 0
    if name in takes and not any(isinstance(argument, ast.Starred) for argument in node.args):
        least, most = takes[name]
        # A function of a library may take the tensor that a method has already.
        spare = int(bool(code.meant(function)) and name in ("flatten", "squeeze", "unsqueeze", "argmax"))
        keywords = len(node.keywords)
        odd += not least <= len(node.args) + keywords or len(node.args) > most + spare
    odd += 2 * (isinstance(function, ast.Name) and name in _WITHOUT_KEYWORDS and bool(node.keywords))
    odd += 2 * (code.meant(function) in _TYPES)
    odd += 3 * any(code.meant(argument) in _MODULES for argument in node.args)
    odd += 2 * (_is_layer(code, function) and not node.args)
    kind = code.meant(function).rpartition(".")[2]
    if code.meant(function).startswith("torch.nn.") and kind[:1].isupper() and kind not in _HOLD_LAYERS:
        odd += 2 * any(_is_layer(code, argument) or _is_class(code, argument) for argument in node.args)
    return odd


def _is_layer(code: Code, node: ast.expr) -> bool:
    """True for what makes a layer of torch, such as `nn.ReLU()`."""
    if not isinstance(node, ast.Call):
        return False
    meant = code.meant(node.func)
    return meant.startswith("torch.nn.") and meant.count(".") == 2 and meant.rpartition(".")[2][:1].isupper()


def _is_device(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node).endswith("device")


def _is_class(code: Code, node: ast.expr) -> bool:
    """True for a layer's name that is not called, such as `nn.ReLU`."""
    meant = code.meant(node) if isinstance(node, ast.Attribute) else ""
    return meant.startswith("torch.nn.") and meant.count(".") == 2 and meant.rpartition(".")[2][:1].isupper()


def _own(code: Code) -> dict[str, tuple[int, int]]:
    """How many arguments the file's own methods and the layers that it keeps in attributes take."""
    takes: dict[str, tuple[int, int]] = {}
    for cls in code.classes.values():
        for method in cls.body:
            if isinstance(method, ast.FunctionDef) and method.name != "__init__":
                count = _arguments(method)
                known = takes.get(method.name, count)
                takes[method.name] = (min(known[0], count[0]), max(known[1], count[1]))
    for node in code.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        made = node.value.func
        count_of = _FORWARD.get(code.meant(made).rpartition(".")[2]) if code.meant(made) else None
        if isinstance(made, ast.Name) and made.id in code.classes:
            forward = [n for n in code.classes[made.id].body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
            count_of = _arguments(forward[0]) if forward else None
        for target in node.targets:
            if count_of and isinstance(target, (ast.Attribute, ast.Name)):
                name = target.attr if isinstance(target, ast.Attribute) else target.id
                known = takes.get(name, count_of)
                takes[name] = (min(known[0], count_of[0]), max(known[1], count_of[1]))
    return takes


def _arguments(function: ast.FunctionDef) -> tuple[int, int]:
    """The least and the most arguments by position, without self."""
    arguments = function.args
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in function.decorator_list)
    most = len(arguments.posonlyargs) + len(arguments.args) - (0 if static else 1)
    return max(0, most - len(arguments.defaults)), 99 if arguments.vararg else max(0, most)


def _in_brackets(node: ast.Tuple) -> bool:
    """True for a tuple that is written with brackets: then it begins before its first value."""
    first = node.elts[0] if node.elts else None
    return first is None or (first.lineno, first.col_offset) != (node.lineno, node.col_offset)
