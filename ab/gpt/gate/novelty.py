"""Whether a network is new: to this run and to LEMUR, by its text, by its form and by its structure."""

from __future__ import annotations

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.normal import normal_digest
from ab.gpt.gate.structures import STRUCTURES
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import lemur_hash
from ab.gpt.lemur.queries import recorded_codes


class Novelty:
    """The networks that are there already, under three digests each."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._text: dict[str, str] = {}
        self._form: dict[str, str] = {}
        self._structure: dict[str, str] = {}

    @classmethod
    def of_lemur(cls, home: Home, contract: Contract) -> Novelty:
        """Knows every model of LEMUR by its name's hash, and those of the contract's task by code and structure.

        LEMUR's models are those of its package and those that its database has been told of.
        """
        novelty = cls(contract)
        for file in home.code_dir("nn").glob("*-*.py"):
            novelty._text.setdefault(file.stem.rpartition("-")[2], file.stem)
        for name in sorted({place.name.split("_", 3)[3] for place in home.stat_train.glob(f"{contract.task}_*_*_*")}):
            file = home.code_dir("nn") / f"{name}.py"
            if file.is_file():
                code = file.read_text(encoding="utf-8")
                novelty.add(name, code, STRUCTURES.get(lemur_hash(code), ""))
        for name, code in recorded_codes(home, contract.task):
            novelty.add(name, code, STRUCTURES.get(lemur_hash(code), ""))
        return novelty

    def add(self, name: str, code: str, structure: str = "") -> None:
        """Knows a network from now on; one that was known first keeps its place."""
        self._text.setdefault(lemur_hash(code), name)
        parsed = Code.parse(code, self.contract)
        if isinstance(parsed, Code) and self.contract.class_name in parsed.classes:
            self._form.setdefault(normal_digest(parsed), name)
        if structure:
            self._structure.setdefault(structure, name)

    def check(self, code: Code) -> Finding | None:
        """The finding that names the model which this code repeats; None where it is new."""
        if known := self._text.get(lemur_hash(code.text)):
            return code.finding("D001", 0, f"This network is {known}, character by character.")
        if self.contract.class_name in code.classes and (known := self._form.get(normal_digest(code))):
            return code.finding("D002", 0, f"This network is {known} under other names.")
        return None

    def check_structure(self, code: Code, structure: str) -> Finding | None:
        """The finding that names the model with the same modules and shapes, which only a run can show."""
        if structure and (known := self._structure.get(structure)):
            return code.finding("D003", 0, f"This network has the same layers and shapes as {known}.")
        return None
