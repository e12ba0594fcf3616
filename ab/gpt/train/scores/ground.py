"""All scores of a network's captions, on ground that is the same for every network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from ab.gpt.train.scores.bleu import bleu_counts
from ab.gpt.train.scores.blind import BlindCaption, best_blind_by_lemur, best_blind_caption
from ab.gpt.train.scores.captions import ScoringError
from ab.gpt.train.scores.cider import CiderReferences
from ab.gpt.train.scores.intervals import RESAMPLES, Interval, Resamples, bleu_from, lemur_mean_of, mean_of
from ab.gpt.train.scores.lemur import lemur_scores, without_padding
from ab.gpt.train.scores.rouge import rouge_l_scores
from ab.gpt.train.scores.vocabulary import Vocabulary

Ids = Sequence[int]


@dataclass(frozen=True)
class Blind:
    """What one caption for all images scores at best, by corpus BLEU-4 and by LEMUR's figure."""

    caption: str
    bleu4: float
    lemur_caption: str
    """Said with SOS in front and EOS behind, which LEMUR counts."""
    lemur_bleu: float


@dataclass(frozen=True)
class Scores:
    """What a network's captions are worth on the validation images."""

    images: int
    lemur_bleu: float
    bleu1: float
    bleu2: float
    bleu3: float
    bleu4: float
    cider_d: float
    rouge_l: float
    distinct: float
    mean_length: float
    intervals: Mapping[str, Interval]
    """95% intervals of the figures above by their names; the share of distinct captions has none."""
    blind: Blind
    lead: Interval
    """By how much BLEU-4 exceeds the best blind caption's, compared draw by draw."""
    collapsed: bool
    """The captions do not beat the best blind caption by more than the interval."""

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, strings and dicts, ready for JSON."""
        return asdict(self)


class Ground:
    """The validation images' references and the best blind caption, prepared once for all networks and epochs.

    The blind caption is the best of the candidates on these very images. That flatters it, so a network that beats it
    has earned it. An image whose references are all padding is left out of every figure, as LEMUR does.
    """

    def __init__(
        self, reference_ids: Sequence[Sequence[Ids]], vocabulary: Vocabulary, blind_candidates: Iterable[Ids]
    ) -> None:
        self.vocabulary = vocabulary
        self._references = [[caption for caption in map(without_padding, image) if caption] for image in reference_ids]
        self._counted = [place for place, captions in enumerate(self._references) if captions]
        if not self._counted:
            raise ScoringError("No image has a reference caption.", "Give the validation images' captions.")
        self._words = [
            [vocabulary.clean(cast(Ids, caption)) for caption in self._references[place]] for place in self._counted
        ]
        self._cider = CiderReferences(self._words)
        said = list(dict.fromkeys(tuple(vocabulary.sentence(caption)) for caption in blind_candidates))
        by_bleu = best_blind_caption((vocabulary.clean(caption) for caption in said), self._words)
        by_lemur = best_blind_by_lemur(
            ((vocabulary.sos, *caption, vocabulary.eos) for caption in said), self._references
        )
        self._blind_bleu = bleu_from(bleu_counts([by_bleu.tokens] * len(self._words), self._words))
        self.blind = Blind(
            caption=self._text(by_bleu),
            bleu4=by_bleu.score,
            lemur_caption=self._text(by_lemur),
            lemur_bleu=by_lemur.score,
        )

    def score(self, predicted_ids: Sequence[Ids], *, seed: int = 0, resamples: int = RESAMPLES) -> Scores:
        """All scores of one predicted caption for each image, in the images' order.

        The ids are as the network put them out: LEMUR's figure looks at all of them, the others at the words before
        the first EOS. The same seed draws the same images for every network.
        """
        per_image = lemur_scores(predicted_ids, self._references)
        captions = [self.vocabulary.clean(predicted_ids[place]) for place in self._counted]
        counts = bleu_counts(captions, self._words)
        statistics = {
            "lemur_bleu": lemur_mean_of([per_image[place] for place in self._counted]),
            **{f"bleu{order}": bleu_from(counts, order) for order in (1, 2, 3, 4)},
            "cider_d": mean_of(self._cider.scores(captions)),
            "rouge_l": mean_of(rouge_l_scores(captions, self._words)),
            "mean_length": mean_of([len(caption) for caption in captions]),
        }
        draws = Resamples(len(captions), seed=seed, resamples=resamples)
        lead = draws.paired_difference(statistics["bleu4"], self._blind_bleu)
        return Scores(
            images=len(captions),
            distinct=distinct_share(captions),
            intervals={name: draws.interval(statistic) for name, statistic in statistics.items()},
            blind=self.blind,
            lead=lead,
            collapsed=not lead.low > 0,
            **{name: statistic.value for name, statistic in statistics.items()},
        )

    def _text(self, blind: BlindCaption) -> str:
        return self.vocabulary.text(self.vocabulary.sentence(cast(Ids, blind.tokens)))


def score_captions(
    predicted_ids: Sequence[Ids],
    reference_ids: Sequence[Sequence[Ids]],
    vocabulary: Vocabulary,
    blind_candidates: Iterable[Ids],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Scores:
    """All scores of a network's captions; where several networks are scored, make one `Ground` for all of them.

    `reference_ids` holds each image's captions as LEMUR's loader gives them (SOS, words, EOS, padding), and
    `blind_candidates` the training captions, with or without special tokens.
    """
    return Ground(reference_ids, vocabulary, blind_candidates).score(predicted_ids, seed=seed, resamples=resamples)


def distinct_share(captions: Sequence[Sequence[object]]) -> float:
    """How many different captions there are among all; 0 where there is none."""
    return len({tuple(caption) for caption in captions}) / max(1, len(captions))
