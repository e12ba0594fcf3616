"""The cached COCO loader gives the batches of LEMUR's own, bit for bit, through LEMUR's `load_dataset`."""

from __future__ import annotations

import json

import pytest

from ab.gpt.scenes import draw_scenes

CODE = """
import json, random, sys
import torch, nltk
nltk.download = lambda *a, **k: False
from ab.nn.loader.coco_ import Caption
from nltk.tokenize import word_tokenize
try:
    word_tokenize("a b.")
except LookupError:
    Caption.word_tokenize = lambda text: word_tokenize(text, preserve_line=True)
from ab.gpt.train.lesson import show_our_parts
show_our_parts()
from ab.nn.util.Loader import load_dataset
from ab.nn.util.Train import train_loader_f, test_loader_f
from ab.nn.util.Util import min_accuracy
assert min_accuracy("coco-cached") == min_accuracy("coco_.Caption") == 0.001
batches = {}
for name in ("coco", "coco-cached", "coco-cached"):
    random.seed(5)
    shape, minimum, train, val = load_dataset("img-captioning", name, sys.argv[1])
    torch.manual_seed(5)  # only now: where LEMUR makes its vocabulary, it draws a number for every picture
    got = [[*train_loader_f(train, 10, 0), *train_loader_f(train, 10, 2)], list(test_loader_f(val, 7, 0))]
    batches.setdefault(name, []).append((shape, minimum, got))
[stock], [first, second] = batches.values()
for ours in (first, second):
    assert ours[:2] == stock[:2]
    for theirs, mine in zip(stock[2], ours[2], strict=True):
        assert len(theirs) == len(mine) > 1
        for (image, caption), (image2, caption2) in zip(theirs, mine, strict=True):
            assert torch.equal(image, image2) and torch.equal(caption, caption2)
print(json.dumps([len(part) for part in stock[2]]))
"""


@pytest.mark.parametrize("transform", ["echo_32_flip", pytest.param("norm_64_flip", marks=pytest.mark.slow)])
def test_the_same_batches_bit_for_bit(home, run_python, transform):
    draw_scenes(home.coco, train=24, val=16, size=64)
    assert json.loads(run_python(CODE, transform).stdout.splitlines()[-1]) == [6, 3]
    assert list((home.out / "nncaption" / "cache").glob("whole-*/pictures-*.npy"))


def test_another_task_is_refused(home, run_python):
    code = (
        "from ab.gpt.train.lesson import show_our_parts; show_our_parts();"
        " from ab.nn.util.Loader import load_dataset; load_dataset('img-classification', 'coco-cached', 'echo_32')"
    )
    done = run_python(code, check=False)
    assert done.returncode != 0 and "not for 'img-classification'" in done.stderr
