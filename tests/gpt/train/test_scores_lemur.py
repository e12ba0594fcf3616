"""LEMUR's BLEU without NLTK is NLTK's to the last digit."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from ab.gpt.train.scores import ScoringError, lemur_bleu, lemur_scores

SMOOTH = SmoothingFunction().method1


def lemurs_metric(hypotheses, references):
    """What `ab.nn.metric.bleu` computes, with NLTK."""
    scores = []
    for hypothesis, captions in zip(hypotheses, references, strict=True):
        kept = [[token for token in caption if token != 0] for caption in captions]
        kept = [caption for caption in kept if caption]
        if kept:
            said = [token for token in hypothesis if token != 0]
            scores.append(sentence_bleu(kept, said, weights=(0.25, 0.25, 0.25, 0.25), smoothing_function=SMOOTH))
    return float(sum(scores)) / max(len(scores), 1)


few_words = st.lists(st.integers(0, 5), max_size=14)  # few kinds of tokens, so that much is matched and repeated
many_words = st.lists(st.integers(0, 30_000), max_size=60)
captions = few_words | many_words


@st.composite
def near_captions(draw):
    """Images whose hypothesis is cut from a reference, as a good captioner's is."""
    references = draw(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=20), min_size=1, max_size=5))
    start = draw(st.integers(0, 5))
    return references[0][start:] + draw(few_words), references


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=5)) | near_captions(), max_size=8))
@example([([], [[1, 2]])])
@example([([7], [[7]])])
@example([([1, 2], [[1, 2]]), ([3], [[4]])])
@example([([0, 0], [[0, 1, 2, 0]])])
@example([([1, 2, 3, 4], [[0, 0]])])
@example([([5] * 50, [[5, 5, 6], [5, 6, 5, 6, 5]])])
@example([])
def test_is_nltks_to_the_last_digit(images):
    hypotheses = [hypothesis for hypothesis, _ in images]
    references = [written for _, written in images]
    assert lemur_bleu(hypotheses, references) == lemurs_metric(hypotheses, references)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=5)), min_size=1, max_size=5))
def test_words_score_as_their_ids_do(images):
    as_words = [([f"w{t}" for t in said if t], [[f"w{t}" for t in c if t] for c in refs]) for said, refs in images]
    by_words = lemur_bleu([said for said, _ in as_words], [[c for c in refs if c] for _, refs in as_words])
    assert by_words == lemur_bleu([said for said, _ in images], [refs for _, refs in images])


def test_the_table_of_known_figures():
    """The figures of FACTS.md, part 'LEMUR's BLEU is not COCO's BLEU-4', follow the same way from NLTK."""
    reference = [1, 10, 11, 12, 10, 13, 14, 10, 15, 16, 17, 2]
    with_sos, without = [*reference, 0, 0], [*reference[1:], 0]
    eos_then_noise = [2, 10, 10, 10, 10, 10, 10]
    for hypothesis in (with_sos, without, eos_then_noise):
        assert lemur_bleu([hypothesis], [[reference]]) == lemurs_metric([hypothesis], [[reference]])
    assert lemur_bleu([with_sos], [[reference]]) == 1.0


def test_images_without_references_are_left_out():
    scores = lemur_scores([[1, 2, 3, 4], [1, 2, 3, 4]], [[[1, 2, 3, 4]], [[0, 0], [0]]])
    assert scores == [1.0, None]
    assert lemur_bleu([[1], [1]], [[[0]], [[0, 0]]]) == 0.0


def test_captions_and_images_must_be_as_many():
    with pytest.raises(ScoringError, match="2 predicted captions for 1 images"):
        lemur_bleu([[1], [2]], [[[1]]])


IDS = st.lists(st.integers(0, 5), max_size=9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(IDS, st.lists(IDS, min_size=1, max_size=5)), min_size=1, max_size=6))
def test_the_metric_for_lemurs_train_is_lemurs_to_the_last_digit(images):
    import torch

    from ab.gpt.train.scores.metric import LemurBleu

    def padded(rows, long):
        return [row + [0] * (long - len(row)) for row in rows]

    most = max(len(references) for _, references in images)
    labels = torch.tensor([padded(refs, 9) + [[0] * 9] * (most - len(refs)) for _, refs in images])
    metric = LemurBleu()
    metric(torch.tensor(padded([said for said, _ in images], 9)), labels)
    scores = []
    for said, references in images:
        kept = [kept for one in references if (kept := [token for token in one if token])]
        if kept:
            caption = [token for token in said if token]
            scores.append(sentence_bleu(kept, caption, smoothing_function=SmoothingFunction().method1))
    assert metric.result() == float(sum(scores)) / max(len(scores), 1)
