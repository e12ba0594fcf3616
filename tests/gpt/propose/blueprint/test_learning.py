"""How a rendered network learns and writes: run here, since its code is our own."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ab.gpt.propose.blueprint.blueprint import Backbone, Stage, Stages, Stem
from ab.gpt.propose.blueprint.render import render
from tests.gpt.propose.blueprint.samples import DECODERS, DECODINGS, SMALL, network, sample

torch = pytest.importorskip("torch")

PRM = {"lr": 1e-3, "momentum": 0.9}
BLOCKY = Stages(
    Stem("patch", 32), (Stage("swin", 32, 1, 2, "cbam"), Stage("dense", 64, 1, 1, "eca"), Stage("vit", 64, 1, 1, "se"))
)


def images(count: int, seed: int = 1) -> Any:
    return torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def known() -> Any:
    """Two captions for each of six images, both the same, of unequal length."""
    captions = torch.zeros(6, 2, 12, dtype=torch.long)
    for number, length in enumerate((3, 4, 5, 7, 8, 10)):
        words = torch.randint(4, 60, (length,), generator=torch.Generator().manual_seed(number))
        captions[number, :, 0], captions[number, :, 1 : length + 1], captions[number, :, length + 1] = 1, words, 2
    return captions


@cache
def state(decoder: str) -> Any:
    """The weights of a network that has learned six images by heart."""
    net = network(sample(decoder))
    net.train_setup(PRM)
    for _ in range(2):
        net.learn([(images(6), known())] * 15)
    return net.state_dict()


def learned(decoder: str, decoding: str = "greedy") -> Any:
    """A network that has something to say, and how it writes."""
    net = network(sample(decoder, decoding))
    net.load_state_dict(state(decoder))
    return net.eval()


def pictures_of_all_kinds() -> Any:
    """What was learned, and pictures between and beside it."""
    seen = images(6)
    return torch.cat((seen[:4], (seen[:3] + seen[3:]) / 2, images(2, seed=9)))


def cut(caption: Any) -> list[int]:
    """A caption up to its EOS; fails where anything but PAD follows it."""
    ids = [int(word) for word in caption]
    end = ids.index(2) + 1 if 2 in ids else len(ids)
    assert set(ids[end:]) <= {0} and not set(ids[:end]) & {0, 1, 3}
    return ids[:end]


@pytest.mark.parametrize("decoding", DECODINGS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_a_caption_is_the_same_whatever_its_batch_mates_are(decoder, decoding):
    net = learned(decoder, decoding)
    pictures = pictures_of_all_kinds()
    together = [cut(caption) for caption in net(pictures)]
    alone = [cut(net(picture[None])[0]) for picture in pictures]
    turned = [cut(caption) for caption in net(pictures.flip(0))][::-1]
    assert together == alone == turned
    assert len({len(caption) for caption in together}) > 2 and len(set(map(tuple, together))) > 3


@pytest.mark.parametrize("decoder", DECODERS)
def test_greedy_writes_what_the_whole_prefix_would_say(decoder):
    """What is kept from word to word changes nothing: the logits with captions say the same."""
    net = learned(decoder)
    pictures = pictures_of_all_kinds()[2:]
    for picture, caption in zip(pictures, net(pictures), strict=True):
        words = cut(caption)
        logits = net(picture[None], torch.tensor([[1, *words]]))[0]
        logits[:, [0, 1, 3]] = -torch.inf
        assert logits.argmax(-1).tolist() == words


@pytest.mark.parametrize("decoding", ["beam", "beam without penalty"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_beams_are_those_of_a_plain_search(decoder, decoding):
    net = learned(decoder, decoding)
    pictures = pictures_of_all_kinds()[2:]
    for picture, caption in zip(pictures, net(pictures), strict=True):
        assert cut(caption) == plain_beam_search(net, picture, DECODINGS[decoding])


def plain_beam_search(net: Any, picture: Any, how: Any) -> list[int]:
    """The best caption of one image, every prefix read anew."""
    lines: list[tuple[float, list[int]]] = [(0.0, [])]
    for _ in range(how.length):
        grown = []
        for score, words in lines:
            if score == -math.inf or words[-1:] == [2]:
                grown.append((score, words))
                continue
            logits = net(picture[None], torch.tensor([[1, *words, 0]]))[0, -1]
            logits[[0, 1, 3]] = -torch.inf
            gains = logits.log_softmax(-1).topk(how.beams)
            for gain, word in zip(gains.values.tolist(), gains.indices.tolist(), strict=True):
                grown.append((score + round(gain, 3), [*words, word]))
        lines = sorted(grown, key=lambda line: -line[0])[: how.beams]
        ended = [score / len(words) ** how.penalty for score, words in lines if words[-1] == 2]
        best = max(ended, default=-math.inf)
        lines = [
            (score if words[-1] == 2 or score / how.length**how.penalty > best else -math.inf, words)
            for score, words in lines
        ]
        if all(score == -math.inf or words[-1] == 2 for score, words in lines):
            break
    return max(lines, key=lambda line: line[0] / len(line[1]) ** how.penalty)[1]


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_beam_stops_when_all_are_done(decoder):
    """Captions of one word take few steps, not LENGTH of them."""
    net = network(sample(decoder, "beam")).eval()
    with torch.no_grad():
        net.decoder.logits.bias[2] = 50.0
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1

    net.decoder.register_forward_hook(count)
    assert net(images(3))[:, 0].tolist() == [2, 2, 2]
    assert steps <= 2


@pytest.mark.parametrize("decoder", DECODERS)
def test_it_learns_pictures_by_heart(decoder):
    written = [cut(caption) for caption in learned(decoder, "beam")(images(6))]
    assert written == [cut(caption[caption > 0][1:]) for caption in known()[:, 0]]


@pytest.mark.parametrize("decoder", DECODERS)
def test_it_begins_without_a_favourite(decoder):
    """Before it has learned anything, every word is about as likely: tied weights must not repeat what was read."""
    net = network(sample(decoder))
    captions = torch.randint(4, 60, (4, 12))
    logits = net(images(4), captions)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), captions[:, 1:].flatten())
    assert abs(float(loss.detach()) - math.log(60)) < 1


def test_an_image_is_looked_at_once_for_all_its_captions():
    net = network(sample("Transformer"))
    net.train_setup(PRM)
    seen, read = [], []
    net.encoder.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    net.decoder.logits.register_forward_hook(lambda _m, inputs, _o: read.append(inputs[0].shape))
    captions = torch.zeros(3, 5, 8, dtype=torch.long)
    captions[..., 0], captions[..., 1:4], captions[..., 4] = 1, 7, 2
    net.learn([(images(3), captions)] * 2)
    assert seen == [3, 3]
    assert read == [(3 * 5 * 4, 640)] * 2  # only what is a word, or EOS


def test_one_caption_an_image_or_five():
    net = network(sample("LSTM"))
    captions = torch.randint(4, 60, (3, 5, 8))
    net.eval()
    one, five = net(images(3), captions[:, 0]), net(images(3), captions)
    assert one.shape == five.shape == (3, 7, 60)
    assert torch.allclose(one, five)
    net.train_setup(PRM)
    net.learn([(images(3), captions[:, 0]), (images(3), captions), (images(3), torch.zeros(3, 5, 4, dtype=torch.long))])
    assert all(bool(torch.isfinite(parameter).all()) for parameter in net.parameters())


def test_longer_captions_than_it_writes():
    for decoder in ("LSTM", "Transformer", "Transformer, post-norm"):
        net = network(sample(decoder))
        captions = torch.randint(4, 60, (2, 5, 70))
        assert net(images(2), captions).shape == (2, 69, 60)
        net.train_setup(PRM)
        net.learn([(images(2), captions)])


def test_the_captions_of_a_step_are_chosen_by_chance_and_never_empty():
    training = replace(SMALL.training, captions=2)
    chosen = network(replace(SMALL, training=training)).file.chosen
    captions = torch.zeros(4, 5, 12, dtype=torch.long)
    captions[:, :3, :6] = torch.arange(10, 13)[None, :, None]  # two of the five are padding
    seen = set()
    for _ in range(30):
        some = chosen(captions)
        assert some.shape == (4, 2, 6)
        pairs = [tuple(row) for row in some[..., 0].tolist()]
        assert all(one != other and 0 not in (one, other) for one, other in pairs)
        seen |= {frozenset(pair) for pair in pairs}
    assert len(seen) == 3
    assert chosen(captions[:, 0]).shape == (4, 1, 6)
    assert chosen(captions[:, :2]).equal(captions[:, :2, :6])


def test_momentum_is_the_first_beta_and_the_rate_follows_the_schedule():
    for schedule in ("constant", "cosine", "sqrt", "stairs"):
        net = network(replace(SMALL, training=replace(SMALL.training, schedule=schedule, warmup=0.3)))
        net.train_setup({"lr": 0.02, "momentum": 0.7})
        assert net.optimizer.param_groups[0]["betas"][0] == 0.7
        paces = [net.pace(step / 100) for step in range(1, 1000)]
        assert all(0 < pace <= 1 for pace in paces)
        assert paces[:20] == sorted(paces[:20]) and paces[9] < 0.4  # it warms up
        assert (paces[-1] == 1) == (schedule == "constant")
        assert net.pace(2.99) < (1.01 if schedule == "constant" else 0.66)
    cosine = network(replace(SMALL, training=replace(SMALL.training, schedule="cosine")))
    assert [cosine.pace(end - 1e-6) < 0.03 for end in (1, 2, 3, 5, 7)] == [True, False, True, False, True]
    net.train_setup({"lr": 0.5, "momentum": 1.0})
    net.learn([(images(2), torch.randint(4, 60, (2, 5, 8)))])
    assert net.optimizer.param_groups[0]["betas"][0] < 1


def test_tied_weights_are_one_and_are_saved():
    tied, apart = network(sample("GRU")), network(sample("LSTM"))
    assert tied.decoder.logits.weight is tied.decoder.embedding.weight
    assert apart.decoder.logits.weight is not apart.decoder.embedding.weight
    tied.train_setup(PRM)
    tied.learn([(images(2), torch.randint(4, 60, (2, 5, 8)))])
    other = network(sample("GRU"), seed=3)
    other.load_state_dict(tied.state_dict())
    assert torch.equal(other.eval()(images(3)), tied.eval()(images(3)))


@pytest.mark.parametrize("trained", ["frozen", "partly", "wholly"])
def test_how_much_of_a_backbone_learns(trained):
    blueprint = replace(SMALL, encoder=Backbone("mobilenet_v3_small", "imagenet", trained))
    code = render(blueprint)
    assert 'weights="DEFAULT"' in code
    blueprint = replace(blueprint, encoder=replace(blueprint.encoder, weights="none"))
    net = network(blueprint, weights="none")
    net.train_setup(PRM)
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    pictures = torch.rand(2, 3, 64, 64)
    net.learn([(pictures, torch.randint(4, 60, (2, 5, 8)))] * 2)
    changed = {name for name, value in net.encoder.state_dict().items() if not torch.equal(value, before[name])}
    if trained == "frozen":
        assert not changed
    elif trained == "partly":
        assert changed and all(name.startswith("layers") for name in changed)
    else:
        assert len(changed) == len(before)
    rates = {group["lr"] for group in net.optimizer.param_groups}
    assert len(rates) == 1  # a random encoder learns as fast as the rest
    pretrained = "frozen" not in trained
    assert ('"share": 0.1' in code) == pretrained


def test_images_as_imagenets_weights_expect_them():
    """Both ways in which LEMUR's transforms scale pixels come to the same."""
    as_imagenet = network(replace(SMALL, encoder=Backbone("squeezenet1_1", "none", "wholly"))).file.as_imagenet
    pixels = torch.rand(2, 3, 64, 64)
    mean = torch.tensor([104.01362025, 114.03422265, 119.9165958])[:, None, None]
    deviation = torch.tensor([73.6027665, 69.89082075, 70.9150767])[:, None, None]
    scaled = (pixels - mean) / deviation
    assert torch.allclose(as_imagenet(scaled), as_imagenet(pixels), atol=1e-4)
    mixed = torch.stack((pixels[0], scaled[1]))
    assert torch.allclose(as_imagenet(mixed), as_imagenet(pixels), atol=1e-4)
    assert as_imagenet(pixels[..., :32, :32]).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("side", [32, 64, 96, 160])
def test_images_of_any_size(side):
    for form in ("LSTM", "Transformer with a pooled image"):
        net = network(sample(form, encoder=BLOCKY))
        pictures = torch.randn(1, 3, side, side)
        net.train_setup(PRM)
        net.learn([(pictures, torch.randint(4, 60, (1, 5, 8)))])
        assert net.eval()(pictures).shape[0] == 1


def test_half_precision_only_where_it_was_asked_for():
    code = render(replace(SMALL, training=replace(SMALL.training, amp=True)))
    assert "torch.autocast" in code and "torch.autocast" not in render(SMALL)
    net = network(sample("Transformer", training=replace(SMALL.training, amp=True)))
    net.train_setup(PRM)
    assert net.half is False  # on a CPU
    net.half = True
    net.learn([(images(2), torch.randint(4, 60, (2, 5, 8)))] * 2)
    assert all(bool(torch.isfinite(parameter).all()) for parameter in net.parameters())


def test_half_precision_that_the_trainer_asks_for_is_kept():
    """`--speed bf16` holds for every network, also for one that would not take it by itself on this device."""
    net = network(sample("Transformer", training=replace(SMALL.training, amp=True)))
    net.train_setup(PRM)
    kinds = []
    net.decoder.logits.register_forward_hook(lambda _module, _inputs, made: kinds.append(made.dtype))
    step = [(images(2), torch.randint(4, 60, (2, 5, 8)))]
    net.learn(step)
    with torch.autocast("cpu", torch.bfloat16):
        net.learn(step)
    assert kinds == [torch.float32, torch.bfloat16]
