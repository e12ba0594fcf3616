"""Does a trial's `uid` fit its hyper-parameters?

LEMUR hashes the hyper-parameters in the order in which the trainer happened to hold them: sorted when Optuna trained,
in any order when a program did. So a uid fits when it is the hash of them in some order.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence

MOST_PERMUTED = 7
"""With more names than that the orders are too many to try: 7! takes some milliseconds."""
PATIENCE = 50
"""After so many uids that fit no order, only the orders that were met before are tried."""

_MEASURED = frozenset({"uid", "duration", "accuracy"})


class Uids:
    """Remembers in which orders hyper-parameters were met, so that most are found at the first try."""

    def __init__(self) -> None:
        self._met: dict[frozenset[str], list[tuple[str, ...]]] = {}
        self._known: dict[tuple[object, str], bool | None] = {}
        self._misfits = 0

    def fresh(self) -> Uids:
        """The same memory of orders, for the trials of another configuration."""
        other = Uids()
        other._met = self._met
        return other

    def fits(self, trial: Mapping[str, object]) -> bool | None:
        """True or False, or None where the names are too many to tell."""
        texts = {name: "".join(f"{name!r}:{value!r}".split()) for name, value in trial.items() if name != "uid"}
        key = trial["uid"], "".join(text for name, text in texts.items() if name not in _MEASURED)
        if key not in self._known:
            self._known[key] = self._try(str(trial["uid"]), texts)
            self._misfits += self._known[key] is False
        return self._known[key]

    def _try(self, uid: str, texts: dict[str, str]) -> bool | None:
        plain = sorted(name for name in texts if name not in _MEASURED and name != "epoch")
        # Some releases hashed the number of epochs too, and some, sorted, all that they wrote.
        choices = [plain, sorted([*plain, "epoch"])] if "epoch" in texts else [plain]
        if any(_hash(texts, names) == uid for names in (*choices, sorted(texts))):
            return True
        told = True
        for names in choices:
            met = self._met.setdefault(frozenset(names), [])
            for place, order in enumerate(met):
                if _hash(texts, order) == uid:
                    met.insert(0, met.pop(place))
                    return True
            if len(names) > MOST_PERMUTED:
                told = False
            elif self._misfits < PATIENCE:
                for order in itertools.permutations(names):
                    if _hash(texts, order) == uid:
                        met.insert(0, order)
                        return True
        return False if told else None


def _hash(texts: Mapping[str, str], names: Sequence[str]) -> str:
    """LEMUR's hash of a dictionary with these names in this order, from the texts of its entries."""
    return hashlib.md5(("{" + ",".join([texts[name] for name in names]) + "}").encode()).hexdigest()
