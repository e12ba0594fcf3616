"""What a network owes to LEMUR, written down once, as data.

The prompt, the static check, the smoke run, the repair prompt, the documentation and the tests read it here. One part
holds for every task of LEMUR, another for captioning; a further task is a further small table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ab.gpt.candidate import Outcome


@dataclass(frozen=True)
class Function:
    """A function or method that must be there, and how LEMUR calls it."""

    name: str
    arguments: tuple[str, ...]
    """In this order; LEMUR passes them by position."""
    optional: tuple[str, ...]
    """May follow, each with a default."""
    returns: str
    why: str
    in_class: bool = True
    standard: str = ""
    """Its body in LEMUR's standard form, where there is one; {criterion}, {optimizer} and such are filled in."""

    @property
    def signature(self) -> str:
        """The definition's first line, as it is to be written."""
        inside = [*(["self"] if self.in_class else []), *self.arguments, *(f"{name}=None" for name in self.optional)]
        return f"def {self.name}({', '.join(inside)})"


@dataclass(frozen=True)
class Rule:
    """One sentence of the contract, with what to do about a breach of it."""

    code: str
    sentence: str
    advice: str
    outcome: Outcome = Outcome.CONTRACT
    note: bool = False
    """True where LEMUR trains such a network all the same."""


@dataclass(frozen=True)
class Contract:
    """What a network of one task owes."""

    task: str
    class_name: str
    functions: tuple[Function, ...]
    hyperparameters: frozenset[str]
    imports: frozenset[str]
    """The packages that a network may import; LEMUR's own vocabulary is one module of it."""
    forbidden_names: frozenset[str]
    forbidden_attributes: frozenset[str]
    rules: tuple[Rule, ...]
    tokens: tuple[tuple[str, int], ...] = ()
    least_width: int = 0
    least_changes: int = 3
    sentences: tuple[str, ...] = ()
    """What a writer must know beyond the signatures, in the order in which one needs it."""

    def rule(self, code: str) -> Rule:
        """The rule with this code."""
        return _by_code(self)[code]

    def function(self, name: str) -> Function:
        """The mandatory function of this name."""
        return next(function for function in self.functions if function.name == name)

    @property
    def token(self) -> dict[str, int]:
        """The ids of the special tokens by name."""
        return dict(self.tokens)


@cache
def _by_code(contract: Contract) -> dict[str, Rule]:
    return {rule.code: rule for rule in contract.rules}


EVERY_TASK_FUNCTIONS = (
    Function(
        "__init__", ("in_shape", "out_shape", "prm", "device"), (), "nothing",
        "LEMUR builds the network with Net(in_shape, out_shape, prm, device); in_shape is (batch, channels, height,"
        " width), prm holds the hyper-parameters, device is a torch.device.",
    ),
    Function(
        "train_setup", ("prm",), (), "nothing",
        "LEMUR calls it once before training: make self.criterion and self.optimizer here, from prm['lr'] and"
        " prm['momentum'].",
        standard="""\
self.to({device})
{criterion} = nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.1)
{optimizer} = torch.optim.AdamW(self.parameters(), lr=prm['lr'])""",
    ),
    Function(
        "learn", ("train_data",), (), "nothing",
        "LEMUR calls it once an epoch: go over the batches of train_data, and for each one compute the loss, go"
        " backward and step the optimizer.",
        standard="""\
self.train()
for images, captions in train_data:
    images, captions = images.to({device}), captions.to({device}).long()
    if captions.dim() == 3:
        captions = captions[:, 0, :]
    outputs = self.forward(images, captions)
    logits = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    targets = {targets}
    logits = logits[:, :targets.size(1)]
    loss = {criterion}(logits.reshape(-1, logits.size(-1)), targets.reshape(-1))
    {optimizer}.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(self.parameters(), 3.0)
    {optimizer}.step()""",
    ),
    Function(
        "supported_hyperparameters", (), (), "{'lr', 'momentum'}",
        "LEMUR asks the module, not the class, which hyper-parameters it takes.", in_class=False,
        standard="return {hyperparameters}",
    ),
)  # fmt: skip

CAPTIONING_FUNCTIONS = (
    Function(
        "forward", ("images",), ("captions", "hidden_state"),
        "with captions [B, T] logits of shape [B, T-1, vocabulary] (alone or first in a tuple); without captions token"
        " ids [B, L] of type long",
        "In training LEMUR's data come as images [B, C, H, W] and captions [B, 5, T] or [B, T], padded with 0; in"
        " evaluation LEMUR calls net(images) and scores what comes back.",
    ),
)  # fmt: skip

_EVERY_TASK_RULES = (
    Rule("N001", "The reply holds no Python code.", "Answer with one whole Python file in one code block.", Outcome.NO_CODE),
    Rule("N002", "The file cannot be read.", "Give a text file in UTF-8 of at most 1 MB.", Outcome.NO_CODE),
    Rule("S001", "The code is not Python.", "Write it so that Python can parse it.", Outcome.SYNTAX),
    Rule("S002", "The code is nested too deeply to be read.", "Write it flatter.", Outcome.SYNTAX),
    Rule("C001", "There is no class Net at the top level.", "Define `class Net(nn.Module)`."),
    Rule("C002", "Net is no nn.Module.", "Write `class Net(nn.Module)`."),
    Rule("C003", "A mandatory function is missing.", "Write it as the contract has it."),
    Rule("C004", "A function cannot be called as LEMUR calls it.", "Write its arguments as the contract has them."),
    Rule("C005", "The hyper-parameters are not the ones that LEMUR gives.", "Return exactly {'lr', 'momentum'}."),
    Rule("C006", "supported_hyperparameters stands inside a class.", "Move it to the top level of the file."),
    Rule("C007", "The constructor never calls super().__init__().", "Call `super().__init__()` first in it."),
    Rule("C008", "More hyper-parameters than LEMUR's captioners share.", "Return exactly {'lr', 'momentum'}.", note=True),
    Rule("C009", "An argument has another name than LEMUR's.", "LEMUR passes it by position, so it works.", note=True),
    Rule("U001", "A name is used that is nowhere defined.", "Define or import it."),
    Rule("U002", "A class or function does not exist in torch.", "Use one that exists."),
    Rule("U003", "A layer is called with an argument that it does not have.", "Use its real arguments."),
    Rule("U004", "A module attribute is used that is never set.", "Set it in `__init__` or in train_setup.", note=True),
    Rule("P001", "A network has no business with this import.", "Use torch and Python's plain libraries.", Outcome.FORBIDDEN),
    Rule("P002", "A network has no business with this call.", "Leave it out.", Outcome.FORBIDDEN),
    Rule("P003", "A part of a library is replaced.", "Write a class or function of your own.", Outcome.FORBIDDEN),
    Rule("P004", "The code looks into the interpreter.", "Leave it out.", Outcome.FORBIDDEN),
    Rule("P005", "The file carries data.", "A network holds code and no tables.", Outcome.FORBIDDEN),
    Rule("D001", "This network is there already, character by character.", "Change it.", Outcome.DUPLICATE),
    Rule("D002", "This network is there already under other names.", "Change its structure.", Outcome.DUPLICATE),
    Rule("D003", "This network has the same layers and shapes as another.", "Change its structure.", Outcome.DUPLICATE),
    Rule("D004", "There are too few changes against the baseline.", "Change at least three parts of its structure."),
    Rule("D005", "So many changes of structure there are against the baseline.", "Nothing is to be done.", note=True),
    Rule("R001", "It fails while it is built.", "Mend the constructor.", Outcome.SMOKE),
    Rule("R002", "train_setup fails.", "Mend it.", Outcome.SMOKE),
    Rule("R003", "learn fails on a batch as LEMUR makes it.", "Mend it.", Outcome.SMOKE),
    Rule("R004", "The loss is not a finite number.", "Guard divisions, logarithms and scales.", Outcome.SMOKE),
    Rule("R005", "Two steps of learn change no weight.", "Step an optimizer over all parameters.", Outcome.SMOKE),
    Rule("R006", "It takes too long.", "Make it smaller.", Outcome.SMOKE),
    Rule("R007", "It takes too much memory.", "Make it smaller.", Outcome.SMOKE),
    Rule("R008", "Its state cannot be saved and loaded.", "Keep every weight in a module or parameter.", Outcome.SMOKE),
    Rule("R009", "It ends the process.", "Leave that out.", Outcome.SMOKE),
    Rule("R011", "It runs on images of 256 pixels and not of 64.", "LEMUR trains with many sizes: pool to a fixed grid.", Outcome.SMOKE, note=True),
    Rule("R010", "It does what no network may do.", "Leave that out.", Outcome.FORBIDDEN),
)  # fmt: skip

_CAPTIONING_RULES = (
    Rule("T001", "forward(images) fails.", "Without captions it must write captions.", Outcome.SMOKE),
    Rule("T002", "forward(images, captions) fails.", "With captions it must return logits for each token.", Outcome.SMOKE),
    Rule("T003", "forward(images) returns what LEMUR cannot score.", "Return token ids [B, L] or logits [B, L, vocabulary].", Outcome.SMOKE),
    Rule("T004", "A token id lies outside of the vocabulary.", "Take the argmax over the vocabulary, which is out_shape[0] wide.", Outcome.SMOKE),
    Rule("T005", "The number of captions is not the number of images.", "Keep the batch in the first dimension.", Outcome.SMOKE),
    Rule("T006", "A batch of another size fails.", "Take the batch size from the images.", Outcome.SMOKE),
    Rule("T007", "A caption depends on what else is in the batch.", "Rank beams and normalise for each image alone.", Outcome.SMOKE, note=True),
    Rule("T008", "A caption goes on after EOS.", "Cut at EOS (2) and fill with PAD (0): LEMUR's BLEU counts every token but PAD.", Outcome.SMOKE, note=True),
    Rule("T009", "The logits have not the vocabulary as their last dimension.", "End in a linear layer of width out_shape[0].", Outcome.SMOKE),
    Rule("T010", "forward(images, captions) returns something else than logits.", "Return the logits, alone or first in a tuple.", Outcome.SMOKE, note=True),
    Rule("T011", "The decoder is narrower than the contract asks for.", "Make it at least 640 wide.", note=True),
    Rule("T012", "Token ids are not whole numbers.", "Return them as long.", Outcome.SMOKE, note=True),
)  # fmt: skip

CAPTIONING = Contract(
    task="img-captioning",
    class_name="Net",
    functions=(*EVERY_TASK_FUNCTIONS, *CAPTIONING_FUNCTIONS),
    hyperparameters=frozenset({"lr", "momentum"}),
    imports=frozenset(
        "__future__ abc collections contextlib copy dataclasses enum functools itertools math numbers numpy operator"
        " random torch torchvision types typing typing_extensions warnings".split()
    ),
    forbidden_names=frozenset(
        "open exec eval compile __import__ input breakpoint globals locals vars exit quit memoryview"
        " __builtins__ __loader__ __spec__".split()
    ),
    forbidden_attributes=frozenset(
        "__globals__ __subclasses__ __bases__ __mro__ __code__ __closure__ __builtins__ __reduce__ __reduce_ex__"
        " __getattribute__ __import__ __loader__ f_back f_globals f_locals f_builtins gi_frame cr_frame tb_frame"
        " _getframe".split()
    ),
    rules=(*_EVERY_TASK_RULES, *_CAPTIONING_RULES),
    tokens=(("PAD", 0), ("SOS", 1), ("EOS", 2), ("UNK", 3)),
    least_width=640,
    sentences=(
        "The vocabulary's size is int(out_shape[0]); the number of image channels is in_shape[1].",
        "Token ids: PAD 0, SOS 1, EOS 2, UNK 3. A caption in the data is SOS, words, EOS, then PAD.",
        "Teacher forcing: of captions [B, 5, T] take one caption an image, [B, T]; the decoder gets caption[:, :-1] and is"
        " scored against caption[:, 1:] with CrossEntropyLoss(ignore_index=0).",
        "Without captions, decode from SOS, stop an image's caption at its first EOS and fill with PAD after it.",
        "Each image's caption must be the same whatever else is in the batch.",
        "The decoder's width is at least 640 and is divisible by the number of attention heads.",
        "Only torch, torchvision and Python's plain libraries may be imported; no files, no network, no processes, no"
        " changes to a library.",
    ),
)  # fmt: skip

CONTRACTS = {contract.task: contract for contract in (CAPTIONING,)}
