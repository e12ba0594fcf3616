"""Good Net files with one defect each: of what kind, where, and what has to become of it."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ab.gpt.gate.source import masked

NAMED_BY_THE_PAPERS = ("bracket", "import", "method", "hyper-parameters", "fences", "thought")
"""The kinds of defect that the papers report."""


@dataclass(frozen=True)
class Mutant:
    """A reply that holds a network with one defect."""

    kind: str
    name: str
    reply: str
    gets: str = ""
    """The fix-up, way of extraction or finding that it must get."""
    lost: bool = False
    """True where nothing can restore what is missing."""
    baseline: str = ""


class Edit(NamedTuple):
    """A text that is replaced by another, if a file has it."""

    old: str
    new: str
    gets: str
    lost: bool = False


def mutants(name: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a good file."""
    for make in (brackets, imports, methods, hyperparameters, fences, thoughts, others):
        for mutant in make(text):
            yield Mutant(mutant.kind, f"{name}: {mutant.name}", mutant.reply, mutant.gets, mutant.lost, mutant.baseline)


def brackets(text: str, count: int = 6) -> Iterator[Mutant]:
    """One closing bracket is missing: the last of the file, and some anywhere."""
    places = [found.start() for found in re.finditer(r"[)\]}]", masked(text))]
    chosen = {places[-1], *random.Random(len(text)).sample(places, min(count - 1, len(places)))}
    for place in sorted(chosen):
        line = text.count("\n", 0, place) + 1
        yield Mutant("bracket", f"{text[place]} of line {line}", text[:place] + text[place + 1 :], "brackets")


def imports(text: str) -> Iterator[Mutant]:
    """One import is missing."""
    for line in re.findall(r"^(?:import|from) .*\n", text, re.MULTILINE):
        without = text.replace(line, "", 1)
        if _unbound(without):
            yield Mutant("import", line.strip(), without, "missing imports")


def methods(text: str) -> Iterator[Mutant]:
    """One mandatory function is missing."""
    for name in ("train_setup", "learn", "supported_hyperparameters", "forward", "__init__"):
        without = _without_function(text, name)
        lost = name in ("forward", "__init__")
        fix = "hyper-parameters" if name == "supported_hyperparameters" else "missing methods"
        # A constructor may be inherited: the class that remains is told by what it then lacks.
        yield Mutant("method", name, without, "C003" if lost else fix, lost)


def hyperparameters(text: str) -> Iterator[Mutant]:
    """`supported_hyperparameters` returns something else than LEMUR gives, or stands elsewhere."""
    [returned] = re.findall(r"return (\{[^}]*\})", text[text.index("def supported_hyperparameters") :])[:1]
    for new in _RETURNED:
        yield Mutant("hyper-parameters", new, text.replace(f"return {returned}", f"return {new}"), "hyper-parameters")
    inside = _without_function(text, "supported_hyperparameters").rstrip("\n")
    body = "\n\n    def supported_hyperparameters(self):\n        return {'lr', 'momentum'}\n"
    if re.search(r"^class (\w+)", inside, re.MULTILINE) and _last_is_net(inside):
        yield Mutant("hyper-parameters", "inside the class", inside + body, "hyper-parameters")
    old = "def supported_hyperparameters():"
    yield Mutant("hyper-parameters", "with self", text.replace(old, old.replace("()", "(self)")), "hyper-parameters")


_RETURNED = (
    "{'lr'}", "{'momentum'}", "{'lr', 'momentum', 'weight_decay'}", "['lr', 'momentum']", "{'learning_rate'}",
    "{'lr': 0.01, 'momentum': 0.9}", "'lr'", "set()",
)  # fmt: skip


def fences(text: str) -> Iterator[Mutant]:
    """The file comes within fences, as models write them."""
    usage = "```python\nnet = Net((1, 3, 64, 64), (100,), {'lr': 0.1}, 'cpu')\n```\n"
    shell = "```bash\npip install torch torchvision\n```\n"
    for name, reply, gets in (
        ("plain", f"```python\n{text}```", "fence"),
        ("without a language", f"Here it is:\n\n```\n{text}```\nI hope that it helps.", "fence"),
        ("without an end", f"Sure! Here is the code:\n\n```python\n{text}", "fence without an end"),
        ("second of three", f"{shell}Then:\n```python\n{text}```\nUse it so:\n{usage}", "block"),
        ("tildes", f"~~~python\n{text}~~~\n", "fence"),
        ("the end on the last line", f"```py\n{text.rstrip()}```", "fence"),
        ("the beginning after words", f"The network: ```python\n{text}```\n", "fence"),
        ("only the end", f"{text}```\nThis network is better.", "no fence|without prose|fences"),
    ):
        yield Mutant("fences", name, reply, gets)


def thoughts(text: str) -> Iterator[Mutant]:
    """A reasoning model's thought stands in front, or is never closed."""
    thought = "Okay, the user wants `class Net`. Let's use a GRU.\nimport it first? It's fine.\n"
    draft = "```python\nclass Net(nn.Module):\n    pass\n```\n"
    for name, reply in (
        ("closed", f"<think>\n{thought}</think>\n\n```python\n{text}```"),
        ("without its beginning", f"{thought}</think>\n```python\n{text}```"),
        ("without its end", f"<think>\n{thought}\nSo I write:\n```python\n{text}```"),
        ("with a draft", f"<think>{thought}{draft}</think>\nFinal answer:\n```python\n{text}```"),
        ("without fences", f"<think>{thought}</think>\n{text}"),
        ("in the file", "<think>One more.</think>\n".join(["", text])),
    ):
        yield Mutant("thought", name, reply, "thought|tags")


def others(text: str) -> Iterator[Mutant]:
    """All other kinds."""
    yield from _ways_of_writing(text)
    for kind, edits in EDITS.items():
        for edit in edits:
            at = text.find(edit.old, max(0, masked(text).find(edit.old)))
            if at >= 0:
                new = text[:at] + edit.new + text[at + len(edit.old) :]
                yield Mutant(kind, f"{edit.new.strip()[:40]!r}", new, edit.gets, edit.lost)
    for line in ("import os\nos.system('ls')", "open('x')", "import subprocess\nsubprocess.run('ls')", "exec('1')"):
        yield Mutant("policy", line.replace("\n", "; "), f"{text}\n{line}\n", "P00", True)


def _ways_of_writing(text: str) -> Iterator[Mutant]:
    prose = (
        "Here is the network that you asked for:\n\n{}\n\nIt has these changes:\n\n1. A wider decoder\n- Another loss\n"
    )
    yield Mutant("prose", "around the file", prose.format(text), "without prose")
    at = text.index("class Net")
    between = f"{text[:at]}Now the main class follows here.\n\n{text[at:]}"
    yield Mutant("prose", "between classes", f"```python\n{between}```", "without prose")
    halves = f"First:\n```python\n{text[:at]}```\nThen the class:\n```python\n{text[at:]}```\n"
    if _unbound(text[at:]):
        yield Mutant("blocks", "two blocks", halves, "2 blocks joined")
    yield Mutant("line ends", "Windows", f"```python\n{text}```".replace("\n", "\r\n"), "line ends")
    tabs = re.sub(r"^(?: {4})+", lambda found: "\t" * (len(found[0]) // 4), text, flags=re.MULTILINE)
    yield Mutant("tabs", "all", f"```python\n{tabs}```", "fence")
    some = text.replace("        super().__init__()", "\tsuper().__init__()", 1)
    if some != text:
        yield Mutant("tabs", "one line", some, "tabs")
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
    if escaped != text:
        yield Mutant("entities", "escaped", f"<pre><code>\n{escaped}</code></pre>", "entities")
    yield Mutant("quotes", "curly", re.sub(r"(['\"])(\w+)\1", "‘\\2’", text), "characters")
    hard = text.replace("    return", 4 * "\u00a0" + "return", 3)
    yield Mutant("spaces", "no-break", f"```python\n{hard}```", "characters")
    yield Mutant("packed", "JSON", _json(text), "packed text")
    yield Mutant("colon", "of the class", re.sub(r"^(class Net.*):$", r"\1", text, flags=re.MULTILINE), "colons")
    yield Mutant("empty", "no code", "I am sorry, but I cannot write this network.", "N001", True)
    yield Mutant("empty", "a shell script", "```bash\npip install torch\n```", "N001", True)
    yield Mutant("diff", "one change", _diff(text), "diff applied", False, text)
    yield Mutant(
        "cut off",
        "in the try-out",
        f"```python\n{text}\nif __name__ == '__main__':\n    net = Net((1, 3,",
        "unfinished try-out",
    )
    yield Mutant("cut off", "in forward", f"```python\n{_cut_in(text, 'forward')}", "S001|C003|U0|fence", True)


def _json(text: str) -> str:
    import json

    return json.dumps({"comment": "A network.", "code": text})


def _diff(text: str) -> str:
    """A diff that changes the learning rate's line of a file, with lines kept around it."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if "supported_hyperparameters" in line)
    kept = [f" {line}" for line in lines[max(0, at - 2) : at]]
    first = max(1, at - 1)
    head = ["Here is the patch:", "```diff", "--- a/net.py", "+++ b/net.py", f"@@ -{first},4 +{first},5 @@"]
    return "\n".join([*head, *kept, "+# the hyper-parameters", f" {lines[at]}", "```"])


def _cut_in(text: str, name: str) -> str:
    """The text up to the middle of a method of Net."""
    at = text.index(f"def {name}", text.index("class Net"))
    return text[: at + 130]


EDITS: dict[str, tuple[Edit, ...]] = {
    "layer": (
        Edit("nn.Linear(", "nn.linear(", "torch names|U00"),
        Edit("nn.ReLU(", "nn.Relu(", "torch names"),
        Edit("nn.Conv2d(", "nn.Conv2D(", "torch names"),
        Edit("nn.AdaptiveAvgPool2d(", "nn.AdaptativeAvgPool2d(", "torch names"),
        Edit("nn.TransformerDecoderLayer(", "nn.TransformerDecoderlayer(", "torch names"),
        Edit("nn.Embedding(", "nn.SelfAttention(", "U002", True),
        Edit("nn.Dropout(", "nn.MagicDropoutLayer(", "U002", True),
    ),
    "argument": (
        Edit("batch_first=True", "batches_first=True", "U003", True),
        Edit("nhead=", "num_heads=", "torch arguments|U00"),
        Edit("num_layers=num_layers", "num_layer=num_layers", "torch arguments|U003"),
    ),
    "constructor": (
        Edit("class Net(nn.Module):", "class Net(Module):", "module class"),
        Edit("class Net(nn.Module):", "class Net:", "module class"),
        Edit("class Net(nn.Module):", "class CaptionNet(nn.Module):", "class name"),
    ),
    "signature": (
        Edit("(self, in_shape, out_shape, prm, device)", "(self, in_shape, out_shape, device, prm)", "signatures"),
        Edit("(self, in_shape, out_shape, prm, device)", "(self, in_shape, out_shape, prm)", "signatures"),
        Edit("def train_setup(self, prm)", "def train_setup(self)", "signatures"),
        Edit("def learn(self, train_data)", "def learn(train_data)", "signatures"),
        Edit("captions=None, hidden_state=None", "captions, hidden_state", "signatures"),
        Edit("def learn(self, train_data)", "def train_epoch(self, train_data)", "class name"),
    ),
    "self": (
        Edit("self.optimizer.step()", "optimizer.step()", "self"),
        Edit("self.optimizer.zero_grad()", "optimizer.zero_grad()", "self"),
    ),
    "key": (
        Edit("prm['lr']", "prm['learning_rate']", "hyper-parameter keys"),
        Edit("prm['lr']", "prm.lr", "hyper-parameter keys"),
    ),
    "run": (
        Edit("self.optimizer.step()", "pass", "R005", True),
        Edit("loss.backward()", "(loss * float('nan')).backward()", "R004", True),
        Edit("images = images.to(", "images = images[:, 0].to(", "R003", True),
    ),
}  # fmt: skip
"""Texts that are replaced, by kind."""


def _unbound(text: str) -> dict[str, int]:
    from ab.gpt.gate.check.code import Code
    from ab.gpt.gate.contract import CAPTIONING

    code = Code.parse(text, CAPTIONING)
    return code.unbound if isinstance(code, Code) else {}


def _last_is_net(text: str) -> bool:
    last = ast.parse(text).body[-1]
    return isinstance(last, ast.ClassDef) and last.name == "Net"


def _without_function(text: str, name: str) -> str:
    """The file without a function, or a method of Net."""
    tree = ast.parse(text)
    net = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Net")
    [node] = [n for n in (*tree.body, *net.body) if isinstance(n, ast.FunctionDef) and n.name == name]
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    lines = text.split("\n")
    return "\n".join(lines[: first - 1] + lines[node.end_lineno :])
