"""All scores at once: from token ids as LEMUR has them to a verdict on the network."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ab.gpt.train.scores import (
    Ground,
    ScoringError,
    Vocabulary,
    bleu_counts,
    cider_d,
    clean,
    corpus_bleu,
    lemur_bleu,
    rouge_l,
    score_captions,
    words_of,
)

SCENES = [
    "a red boat floats in the water .",
    "a blue kite is in the sky , high up .",
    "the dog sits in front of a house .",
    "two white circles lie on the green grass .",
    "a man 's hat is on a hill .",
    "a small tree stands on a hill .",
    "a yellow ball rolls down the hill .",
    "the sun is over the sea .",
]
TRAINING = [*SCENES, "a thing is on a hill .", "a ball is in the water ."]
WORDS = ["<PAD>", "<SOS>", "<EOS>", "<UNK>", *sorted({word for text in TRAINING for word in text.split()}), "there"]
IDX2WORD = dict(enumerate(WORDS))
ID = {word: index for index, word in IDX2WORD.items()}
VOCABULARY = Vocabulary.of(IDX2WORD)


def ids(text, length=14):
    """A caption as LEMUR's loader gives it."""
    encoded = [1, *(ID[word] for word in text.split()), 2]
    return encoded + [0] * (length - len(encoded))


def references(copies=6):
    """Each scene some times, told in two ways, the second place padded as LEMUR pads it."""
    return [[ids(text), ids(f"there {text}"), [0] * 14] for text in SCENES * copies]


def scored(predicted, **options):
    return score_captions(predicted, references(), VOCABULARY, [ids(text) for text in TRAINING], **options)


def test_a_captioner_that_looks_is_not_collapsed():
    scores = scored([ids(text) for text in SCENES * 6])
    assert scores.lemur_bleu == 1.0
    assert scores.bleu4 == pytest.approx(1.0)
    assert scores.distinct == len(SCENES) / (len(SCENES) * 6)
    assert scores.lead.low > 0
    assert not scores.collapsed


def test_the_blind_caption_itself_is_collapsed():
    blind = scored([ids(SCENES[0])] * 48).blind
    scores = scored([[ID[word] for word in blind.caption.split()]] * 48)
    assert scores.bleu4 == blind.bleu4
    assert (scores.lead.low, scores.lead.mean, scores.lead.high) == (0, 0, 0)
    assert scores.collapsed
    assert scored([ids(blind.lemur_caption)] * 48).lemur_bleu == blind.lemur_bleu


def test_a_network_that_says_one_token_is_collapsed():
    scores = scored([[ID["a"]] * 14] * 48)
    assert scores.collapsed
    assert scores.mean_length == 14
    assert scores.distinct == 1 / 48


def test_the_figures_are_those_of_the_words():
    predicted = [ids(text) for text in SCENES[1:] + SCENES[:1]] * 6
    said = [words_of(caption, IDX2WORD) for caption in predicted]
    written = [[words_of(caption, IDX2WORD) for caption in image[:2]] for image in references()]
    scores = scored(predicted)
    assert scores.lemur_bleu == lemur_bleu(predicted, references())
    assert (scores.bleu1, scores.bleu2, scores.bleu3, scores.bleu4) == corpus_bleu(said, written)
    assert scores.cider_d == cider_d(said, written)
    assert scores.rouge_l == rouge_l(said, written)
    assert scores.mean_length == bleu_counts(said, written)[:, 0].mean()


def test_what_follows_the_eos_counts_for_lemur_only():
    honest = [ids(text) for text in SCENES * 6]
    chatty = [[*caption[: caption.index(2) + 1], ID["hill"], ID["hill"]] for caption in honest]
    assert scored(chatty).lemur_bleu < scored(honest).lemur_bleu
    assert scored(chatty).bleu4 == scored(honest).bleu4


def test_every_figure_lies_in_its_interval():
    half_right = [ids(text) for text in SCENES[:4] + SCENES[5:] + SCENES[:1]] * 6
    scores = scored(half_right)
    figures = scores.to_dict()
    assert set(scores.intervals) == set(figures) - {"images", "distinct", "intervals", "blind", "lead", "collapsed"}
    for name, interval in scores.intervals.items():
        assert interval.mean == figures[name]
        assert interval.low <= interval.mean <= interval.high


def test_the_same_seed_gives_the_same_scores_as_json_too():
    predicted = [ids(text) for text in SCENES[2:] + SCENES[:2]] * 6
    assert scored(predicted, seed=1) == scored(predicted, seed=1)
    assert scored(predicted, seed=1) != scored(predicted, seed=2)
    read_back = json.loads(json.dumps(scored(predicted).to_dict()))
    assert read_back == scored(predicted).to_dict()
    assert read_back["blind"]["bleu4"] > 0


def test_images_that_nobody_described_are_left_out_of_every_figure():
    predicted = [ids(text) for text in SCENES]
    told = [[ids(text)] for text in SCENES]
    candidates = [ids(text) for text in TRAINING]
    plain = score_captions(predicted, told, VOCABULARY, candidates)
    with_gap = score_captions([*predicted, ids("a hill")], [*told, [[0] * 14]], VOCABULARY, candidates)
    assert with_gap == plain
    assert plain.images == len(SCENES)
    with pytest.raises(ScoringError, match="No image has a reference"):
        Ground([[[0, 0]]], VOCABULARY, candidates)


def test_one_ground_serves_many_networks():
    ground = Ground(references(), VOCABULARY, [ids(text) for text in TRAINING])
    for predicted in ([ids(text) for text in SCENES * 6], [ids(SCENES[0])] * 48):
        assert ground.score(predicted, seed=2) == scored(predicted, seed=2)
    with pytest.raises(ScoringError, match="1 predicted captions for 48 images"):
        ground.score([[1]])


def test_cleaning_cuts_at_the_first_eos_and_drops_what_is_no_word():
    assert clean([1, 7, 8, 3, 9, 0, 10, 2, 11, 2], punctuation_ids={9}) == [7, 8, 10]
    assert clean([5, 6], eos=6, specials={5}) == []
    assert clean([]) == []
    assert words_of(ids(SCENES[1]), IDX2WORD) == ["a", "blue", "kite", "is", "in", "the", "sky", "high", "up"]
    assert words_of(ids(SCENES[4]), IDX2WORD) == ["a", "man", "'s", "hat", "is", "on", "a", "hill"]
    assert words_of([999], IDX2WORD) == ["#999"]


def test_the_vocabulary_knows_its_punctuation_and_specials():
    assert {WORDS[index] for index in VOCABULARY.punctuation} == {".", ","}
    moved = Vocabulary.of({5: "<PAD>", 6: "<SOS>", 7: "<EOS>", 8: "<UNK>", 0: "a", 1: "!"})
    assert moved.clean([6, 0, 1, 8, 0, 7, 0]) == [0, 0]
    assert moved.sentence([6, 0, 1, 8, 7, 0]) == [0, 1, 8]
    assert moved.text([0, 1, 44]) == "a ! #44"
    with pytest.raises(ScoringError, match="lacks <SOS>, <EOS>"):
        Vocabulary.of({0: "<PAD>", 3: "<UNK>"})


def test_importing_the_scores_imports_nothing_heavy():
    code = "import sys, ab.gpt.train.scores.metric; print({'torch', 'nltk', 'pandas', 'ab.nn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
