"""From LEMUR's token ids to the words that COCO's evaluation would look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ab.gpt.train.scores.captions import ScoringError

PAD, SOS, EOS, UNK = range(4)
SPECIALS = frozenset({PAD, SOS, EOS, UNK})
"""LEMUR's captioning loader gives them these ids."""

PUNCTUATION = frozenset(["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"]) | frozenset(
    [".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
"""What COCO's tokenizer removes. NLTK's '(' and ')' stay: COCO's tokenizer writes '-lrb-' and so keeps them too."""

_SPECIAL_WORDS = ("<PAD>", "<SOS>", "<EOS>", "<UNK>")
_NO_WORDS = PUNCTUATION.union(_SPECIAL_WORDS)


@dataclass(frozen=True)
class Vocabulary:
    """The ids that a captioning dataset uses: the four special ones, the punctuation, and the word of each."""

    pad: int = PAD
    sos: int = SOS
    eos: int = EOS
    unk: int = UNK
    punctuation: frozenset[int] = frozenset()
    words: Mapping[int, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, idx2word: Mapping[int, str]) -> Vocabulary:
        """The vocabulary that LEMUR's `idx2word` describes; `ScoringError` if a special token is not in it."""
        ids = {word: int(index) for index, word in idx2word.items()}
        missing = [word for word in _SPECIAL_WORDS if word not in ids]
        if missing:
            raise ScoringError(
                f"The vocabulary lacks {', '.join(missing)}.", "Give the idx2word that LEMUR's captioning loader made."
            )
        return cls(
            pad=ids["<PAD>"],
            sos=ids["<SOS>"],
            eos=ids["<EOS>"],
            unk=ids["<UNK>"],
            punctuation=frozenset(index for word, index in ids.items() if word in PUNCTUATION),
            words=dict(idx2word),
        )

    @property
    def specials(self) -> frozenset[int]:
        """The ids that stand for no word."""
        return frozenset({self.pad, self.sos, self.eos, self.unk})

    def clean(self, ids: Iterable[int]) -> list[int]:
        """The ids of the words that COCO's evaluation looks at."""
        return clean(ids, eos=self.eos, specials=self.specials, punctuation_ids=self.punctuation)

    def sentence(self, ids: Iterable[int]) -> list[int]:
        """The ids before the first EOS without PAD and SOS: what was said, with its punctuation."""
        return clean(ids, eos=self.eos, specials={self.pad, self.sos, self.eos})

    def text(self, ids: Iterable[int]) -> str:
        """The words of all these ids, for people to read."""
        return " ".join(self.words.get(index, f"#{index}") for index in ids)


def clean(
    ids: Iterable[int],
    *,
    eos: int = EOS,
    specials: Collection[int] = SPECIALS,
    punctuation_ids: Collection[int] = frozenset(),
) -> list[int]:
    """The ids of the words: cut at the first EOS, without special tokens and punctuation."""
    kept = []
    for index in ids:
        if index == eos:
            break
        if index not in specials and index not in punctuation_ids:
            kept.append(index)
    return kept


def words_of(ids: Iterable[int], idx2word: Mapping[int, str]) -> list[str]:
    """The words that a predicted or written caption comes down to in COCO's evaluation."""
    words = []
    for index in ids:
        word = idx2word.get(index, f"#{index}")
        if word == "<EOS>":
            break
        if word not in _NO_WORDS:
            words.append(word)
    return words
