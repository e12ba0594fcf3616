"""Names set right: of torch's layers and their arguments, of what is the object's own, of what the contract names."""

from __future__ import annotations

import ast
from difflib import get_close_matches

from ab.gpt.gate.fixups.sheet import Sheet
from ab.gpt.gate.source import Edit

_COMMON = (
    "MultiheadAttention", "ReLU", "GELU", "SiLU", "ELU", "LeakyReLU", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose2d", "BatchNorm1d", "BatchNorm2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d", "LayerNorm", "GroupNorm", "Linear", "Embedding", "Dropout", "Dropout2d", "LSTM", "GRU",
    "RNN", "LSTMCell", "GRUCell", "CrossEntropyLoss", "Sequential", "ModuleList", "ModuleDict", "Module",
    "Parameter", "Softmax", "Sigmoid", "Tanh", "Flatten", "Identity", "TransformerEncoder",
    "TransformerEncoderLayer", "TransformerDecoder", "TransformerDecoderLayer",
)  # fmt: skip
"""What is known of torch.nn without asking it."""
_ARGUMENTS = {
    "torch.nn.MultiheadAttention": {
        "nhead": "num_heads", "n_heads": "num_heads", "heads": "num_heads", "d_model": "embed_dim",
        "embed_size": "embed_dim", "hidden_size": "embed_dim", "dim": "embed_dim",
    },
    "torch.nn.TransformerDecoderLayer": {
        "num_heads": "nhead", "n_heads": "nhead", "heads": "nhead", "embed_dim": "d_model",
        "hidden_size": "d_model", "dim_ff": "dim_feedforward", "ff_dim": "dim_feedforward", "d_ff": "dim_feedforward",
        "ffn_dim": "dim_feedforward",
    },
    "torch.nn.LSTM": {"input_dim": "input_size", "hidden_dim": "hidden_size", "n_layers": "num_layers"},
    "torch.nn.Conv2d": {"kernel": "kernel_size", "filters": "out_channels"},
    "torch.nn.Dropout": {"rate": "p", "prob": "p", "dropout": "p", "dropout_rate": "p"},
    "torch.nn.Embedding": {"vocab_size": "num_embeddings", "embed_size": "embedding_dim", "embed_dim": "embedding_dim"},
}  # fmt: skip
"""What arguments are called by mistake, in names of other layers or libraries."""
_ARGUMENTS["torch.nn.TransformerEncoderLayer"] = _ARGUMENTS["torch.nn.TransformerDecoderLayer"]
_ARGUMENTS["torch.nn.GRU"] = _ARGUMENTS["torch.nn.LSTM"]
_METHODS = {
    "train_setup": "setup_train setup_training training_setup train_set_up trainSetup configure_training init_training",
    "learn": "train_epoch fit train_model train_one_epoch train_loop training_loop learn_epoch",
    "supported_hyperparameters": "get_supported_hyperparameters supported_hyper_parameters supported_hyperparams"
    " supportedHyperparameters supported_parameters hyperparameters get_hyperparameters supported_hyperparameter",
}
"""What mandatory functions are called by mistake."""


def real_names(sheet: Sheet) -> list[Edit]:
    """Names that torch lacks and that are sure to mean one that it has; and own classes that are sought in torch."""
    edits: list[Edit] = []
    for node in sheet.code.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            meant = sheet.code.meant(node)
            module, _, name = meant.rpartition(".")
            if not module or not _lacks(sheet, module, name):
                continue
            end = sheet.source.end(node)
            if name in sheet.code.classes:
                edits.append((sheet.source.start(node), end, name))
            elif near := _real(sheet, module, name):
                edits.append((end - len(name), end, near))
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for alias in node.names:
                near = _real(sheet, node.module, alias.name) if _lacks(sheet, node.module, alias.name) else ""
                if near and "." not in near:
                    start, end = sheet.source.start(alias), sheet.source.end(alias)
                    edits.append((start, end, f"{near} as {alias.asname or alias.name}"))
    return _apart(edits)


def _lacks(sheet: Sheet, module: str, name: str) -> bool:
    if sheet.torch is not None:
        names = sheet.torch.names.get(module)
        return names is not None and name not in names
    return module == "torch.nn" and name not in _COMMON and name.lower() in {known.lower() for known in _COMMON}


def _real(sheet: Sheet, module: str, name: str) -> str:
    """The one name of the module that is meant, or nothing."""
    names = sheet.torch.names[module] if sheet.torch else frozenset(_COMMON)
    functions = sheet.torch.names.get("torch.nn.functional", frozenset()) if sheet.torch else frozenset()
    if module == "torch.nn" and name.islower() and name in functions:
        return f"functional.{name}"  # a function is called, and no layer made
    same = [known for known in names if not known.startswith("_") and _folded(known) == _folded(name)]
    if len(same) == 1:
        return same[0]
    if same or len(name) < 6 or not name[0].isupper():
        return ""
    folded = {_folded(known): known for known in names if known[:1].isupper() and _digits(known) == _digits(name)}
    near = get_close_matches(_folded(name), folded, n=2, cutoff=0.85)
    first = get_close_matches(_folded(name), folded, n=1, cutoff=0.91)
    # With a second one as near it would be a guess.
    return folded[first[0]] if first and (len(near) == 1 or _much_nearer(_folded(name), *near)) else ""


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("average", "avg")


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


def _much_nearer(name: str, first: str, second: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, name, first).ratio() - SequenceMatcher(None, name, second).ratio() > 0.04


def real_arguments(sheet: Sheet) -> list[Edit]:
    """Arguments by keyword that a layer lacks and that are sure to mean one that it has."""
    edits: list[Edit] = []
    for node in sheet.code.nodes:
        if not isinstance(node, ast.Call):
            continue
        meant = sheet.code.meant(node.func)
        call = sheet.torch.calls.get(meant) if sheet.torch else None
        mistakes = _ARGUMENTS.get(meant, {})
        given = {keyword.arg for keyword in node.keywords if keyword.arg}
        taken = given | set(call.positional[: len(node.args)] if call else ())
        for keyword in node.keywords:
            name = keyword.arg
            if not name or (call and (name in call.keywords or call.any_keyword)):
                continue
            real = mistakes.get(name, "")
            if not real and call:
                near = [known for known in call.keywords if _singular(known) == _singular(name)]
                real = near[0] if len(near) == 1 else ""
            if real and real not in taken and (call is None or real in call.keywords):
                start = sheet.source.start(keyword)
                edits.append((start, start + len(name), real))
                taken.add(real)
    return edits


def _singular(name: str) -> str:
    return name.lower().replace("_", "").rstrip("s")


def own_names(sheet: Sheet) -> list[Edit]:
    """`self.` in front of names that are bound nowhere and that the class has."""
    unbound = set(sheet.code.unbound)
    edits: list[Edit] = []
    for cls in sheet.code.classes.values() if unbound else ():
        methods = [node for node in cls.body if isinstance(node, ast.FunctionDef)]
        own = {method.name for method in methods} | {
            node.attr
            for node in ast.walk(cls)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value)
        }
        for method in methods:
            if not method.args.args or method.args.args[0].arg != "self":
                continue
            for node in ast.walk(method):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in unbound & own:
                    edits.append((sheet.source.start(node), sheet.source.start(node), "self."))
    return _apart(edits)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def named_after_contract(sheet: Sheet) -> list[Edit]:
    """The class and the mandatory functions under the contract's names, where it is certain which are meant."""
    code = sheet.code
    edits: list[Edit] = []
    net = sheet.net
    wanted = sheet.contract.class_name
    if net is None and wanted not in code.imports and not any(name == wanted for name, _ in code.named_values):
        needed = {function.name for function in sheet.contract.functions if function.in_class}
        likely = [cls for cls in code.classes.values() if needed <= _methods(cls) | {_meant_by(cls, n) for n in needed}]
        if len(likely) == 1:
            net = likely[0]
            edits += _renamed(sheet, net.name, wanted)
    if net is not None:
        for method in (node for node in net.body if isinstance(node, ast.FunctionDef)):
            for name, mistakes in _METHODS.items():
                if method.name in mistakes.split() and name not in _methods(net) and _fits(sheet, name, method):
                    if sheet.used_names().get(method.name):
                        continue  # called somewhere under that name
                    edits.append(sheet.name_edit(method, name))
    for function in code.functions.values():
        name = "supported_hyperparameters"
        mistaken = function.name in _METHODS[name].split() and not sheet.used_names().get(function.name)
        if mistaken and name not in code.functions:
            edits.append(sheet.name_edit(function, name))
            break
    return _apart(edits)


def _methods(cls: ast.ClassDef) -> set[str]:
    return {node.name for node in cls.body if isinstance(node, ast.FunctionDef)}


def _meant_by(cls: ast.ClassDef, name: str) -> str:
    """The mandatory name, where the class has the method under a mistaken one."""
    return name if _methods(cls) & set(_METHODS.get(name, "").split()) else ""


def _fits(sheet: Sheet, name: str, method: ast.FunctionDef) -> bool:
    """True where a method can be called as the contract calls the one that is missing."""
    wanted = next((f for f in sheet.contract.functions if f.name == name and f.in_class), None)
    arguments = method.args
    plain = len(arguments.posonlyargs) + len(arguments.args) - 1
    return wanted is not None and plain - len(arguments.defaults) <= len(wanted.arguments) <= plain


def _renamed(sheet: Sheet, old: str, new: str) -> list[Edit]:
    """The edits that rename a class wherever it is named."""
    edits = [sheet.name_edit(sheet.code.classes[old], new)]
    for node in sheet.code.nodes:
        if isinstance(node, ast.Name) and node.id == old:
            edits.append((sheet.source.start(node), sheet.source.end(node), new))
    return edits


def _apart(edits: list[Edit]) -> list[Edit]:
    """The edits without those that overlap one before them."""
    kept: list[Edit] = []
    for edit in sorted(set(edits)):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept
