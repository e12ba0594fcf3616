"""Scores of captions that can be trusted: LEMUR's own figure, the standard ones, intervals and the blind caption.

Pure Python and numpy, over token ids or words. `score_captions` gives all of them at once; where several networks are
scored on the same images, make one `Ground`.
"""

from ab.gpt.train.scores.bleu import bleu_counts, corpus_bleu
from ab.gpt.train.scores.blind import BlindCaption, best_blind_by_lemur, best_blind_caption
from ab.gpt.train.scores.captions import Caption, References, ScoringError
from ab.gpt.train.scores.cider import cider_d, cider_d_scores
from ab.gpt.train.scores.ground import Blind, Ground, Scores, distinct_share, score_captions
from ab.gpt.train.scores.intervals import (
    Interval,
    Resamples,
    Statistic,
    bleu_from,
    interval,
    lemur_mean_of,
    mean_of,
    paired_difference,
)
from ab.gpt.train.scores.lemur import lemur_bleu, lemur_scores
from ab.gpt.train.scores.rouge import rouge_l, rouge_l_scores
from ab.gpt.train.scores.vocabulary import PUNCTUATION, Vocabulary, clean, words_of

__all__ = [
    "PUNCTUATION",
    "Blind",
    "BlindCaption",
    "Caption",
    "Ground",
    "Interval",
    "References",
    "Resamples",
    "Scores",
    "ScoringError",
    "Statistic",
    "Vocabulary",
    "best_blind_by_lemur",
    "best_blind_caption",
    "bleu_counts",
    "bleu_from",
    "cider_d",
    "cider_d_scores",
    "clean",
    "corpus_bleu",
    "distinct_share",
    "interval",
    "lemur_bleu",
    "lemur_mean_of",
    "lemur_scores",
    "mean_of",
    "paired_difference",
    "rouge_l",
    "rouge_l_scores",
    "score_captions",
    "words_of",
]
