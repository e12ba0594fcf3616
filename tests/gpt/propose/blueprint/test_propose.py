"""From replies to networks, proposers without a model, and what a model is asked."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from dataclasses import replace

import pytest

from ab.gpt.propose.blueprint.ask import messages
from ab.gpt.propose.blueprint.at_hand import FILES, space_at_hand
from ab.gpt.propose.blueprint.blueprint import Backbone, Stages
from ab.gpt.propose.blueprint.narrow import idea
from ab.gpt.propose.blueprint.propose import Evolving, Uniform, code_of
from ab.gpt.propose.blueprint.reading import BadBlueprint, from_json, to_json
from ab.gpt.propose.blueprint.render import render
from ab.gpt.propose.blueprint.schema import schema
from ab.gpt.propose.blueprint.shape import EVERYTHING, OWN_ENCODERS, Space
from ab.gpt.propose.llm.protocol import LLM, Message
from ab.gpt.propose.llm.schema import misfit
from tests.gpt.propose.blueprint.samples import SMALL, choices, drawn

ASKED = {"max_tokens": 10, "temperature": 1.0, "top_p": 1.0}


def test_a_reply_becomes_a_network():
    drafted = code_of(to_json(SMALL))
    assert drafted.code == render(SMALL) and drafted.blueprint == to_json(SMALL)
    assert drafted.family == "BlueprintLSTM" and drafted.changes == ()
    for reply in (
        f"<think>It {{may}} be good.</think>\n{to_json(SMALL)}",
        f"```json\n{json.dumps(json.loads(to_json(SMALL)), indent=2)}\n```",
        f"  {to_json(SMALL)}\n",
    ):
        assert code_of(reply) == drafted


def test_what_was_settled_is_told():
    wild = replace(
        SMALL,
        encoder=replace(
            SMALL.encoder, stages=(replace(SMALL.encoder.stages[0], width=256, stride=1), SMALL.encoder.stages[0])
        ),
    )
    drafted = code_of(to_json(wild))
    assert any("width 256 became" in change for change in drafted.changes)
    assert code_of(drafted.blueprint).changes == () and code_of(drafted.blueprint).code == drafted.code


@pytest.mark.parametrize(
    "reply",
    ["", "no", "{", "}{", "[]", "{}", "<think>{", '{"encoder": 1}', "<think>" + to_json(SMALL), to_json(SMALL)[:-9]],
)
def test_what_is_no_blueprint_is_refused(reply):
    with pytest.raises(BadBlueprint):
        code_of(reply)


def test_draws_go_by_their_own_name():
    uniform, evolving = Uniform(), Evolving(lambda: [])
    assert isinstance(uniform, LLM) and isinstance(evolving, LLM)
    assert (uniform.family, evolving.family) == ("rand", "evo")
    told: list[str] = []
    reply = uniform.complete([Message("user", "anything")], seed=3, on_token=told.append, **ASKED)
    assert reply.text == uniform.complete([], seed=3, **ASKED).text == "".join(told)
    assert reply.finish_reason == "stop" and reply.tokens == reply.prompt_tokens == 0
    assert len({uniform.blueprint(seed) for seed in range(50)}) == 50
    for seed in range(50):
        assert code_of(uniform.blueprint(seed)).changes == ()


@pytest.mark.parametrize(
    "space", [OWN_ENCODERS, Space(own=False, backbones=("resnet18", "mobilenet_v2"), weights=("imagenet",))]
)
def test_proposers_keep_to_their_space(space):
    everything = [(to_json(blueprint), float(number)) for number, blueprint in enumerate(drawn(60))]
    for proposer in (Uniform(space), Evolving(lambda: everything, space, mu=4)):
        for seed in range(60):
            encoder = from_json(proposer.blueprint(seed)).encoder
            assert isinstance(encoder, Stages) if space.own else encoder.backbone in space.backbones
            assert space.own or encoder.weights == "imagenet"


def test_evolution_starts_from_draws_and_goes_on_from_the_best():
    scored: list[tuple[str, float]] = []
    evolving = Evolving(lambda: scored, OWN_ENCODERS, mu=5)
    uniform = Uniform(OWN_ENCODERS)
    first = [evolving.blueprint(seed) for seed in range(9)]
    others = [uniform.blueprint(seed) for seed in range(9)]
    assert len({*first, *others}) == 18  # its own draws, in one LEMUR with others
    scored += [(to_json(blueprint), -1.0) for blueprint in drawn(20, seed=3)]
    scored += [(uniform.blueprint(seed), float(seed)) for seed in range(20)]
    scored += [(uniform.blueprint(99), float("nan")), (uniform.blueprint(98), float("inf"))]
    best = {from_json(uniform.blueprint(seed)) for seed in range(15, 20)}
    assert set(evolving.parents()) == best
    one = [evolving.blueprint(seed) for seed in range(40)]
    assert one == [evolving.blueprint(seed) for seed in range(40)]
    scored.reverse()
    assert one == [evolving.blueprint(seed) for seed in range(40)]  # the order of the scores is of no matter
    assert not any(from_json(text) in best for text in one)
    near = [min(_distance(from_json(text), parent) for parent in best) for text in one]
    far = [min(_distance(blueprint, parent) for parent in best) for blueprint in drawn(40, seed=8)]
    assert statistics.median(near) < statistics.median(far) / 2


def test_evolution_gets_nearer_than_chance():
    """On a made-up score: how much a blueprint has in common with a hidden one."""
    wins = 0
    for run, target in enumerate(drawn(3, seed=21)):
        scored: list[tuple[str, float]] = []
        evolving = Evolving(lambda scored=scored: scored)
        for number in range(100):
            text = evolving.blueprint(1000 * run + number)
            scored.append((text, -float(_distance(from_json(text), target))))
        uniform = Uniform()
        chance = max(-_distance(from_json(uniform.blueprint(1000 * run + number)), target) for number in range(100))
        wins += max(value for _, value in scored) > chance
    assert wins >= 2


def _distance(one, other) -> int:
    return len(set(choices(one)) ^ set(choices(other)))


def test_the_space_is_what_weights_are_at_hand_for(tmp_path, monkeypatch):
    assert space_at_hand(pretrained=False) == OWN_ENCODERS
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert space_at_hand(pretrained=True) == OWN_ENCODERS
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / FILES["mobilenet_v2"]).touch()
    space = space_at_hand(pretrained=True)
    assert space == Space(backbones=("mobilenet_v2",), weights=("imagenet",)) == space_at_hand(True, folder)
    assert space_at_hand(pretrained=False) == OWN_ENCODERS
    found = {draw.encoder for draw in map(from_json, map(Uniform(space).blueprint, range(80)))}
    assert {Backbone("mobilenet_v2", "imagenet", how) for how in ("frozen", "partly", "wholly")} < found


def test_torchvision_keeps_its_weights_where_we_look():
    program = (
        "import sys, json, torchvision.models as m\n"
        "print(json.dumps({n: m.get_model_weights(n).DEFAULT.url.rpartition('/')[2] for n in json.loads(sys.argv[1])}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(list(FILES))], capture_output=True, text=True, cwd="/"
    )
    if done.returncode:
        pytest.skip(f"torchvision cannot be imported: {done.stderr[-200:]}")
    assert json.loads(done.stdout) == FILES
    assert set(FILES) == set(EVERYTHING.backbones)


def test_an_idea_narrows_the_schema_and_hides_nothing_for_good():
    whole = schema(EVERYTHING)
    assert idea(4) == idea(4) and idea(4, narrow=False).schema == whole
    for seed in range(30):
        one = idea(seed)
        assert len(one.hints) == 3
        # Whatever fits the narrower schema fits the whole one: both are asked about draws.
        for blueprint in drawn(10, seed=seed):
            text = to_json(blueprint)
            if not misfit(text, one.schema):
                assert misfit(text, whole) == ""
    seen: set[str] = set()
    for seed in range(40):
        seen |= set(_enums(idea(seed).schema))
    values = {json.dumps(value) for text in seen for value in json.loads(text)}
    assert values == {json.dumps(value) for text in _enums(whole) for value in json.loads(text)}


def test_some_blueprint_fits_every_idea():
    rng = random.Random(1)
    for seed in range(20):
        one = idea(seed, OWN_ENCODERS)
        value = _any(one.schema, one.schema, rng)
        assert misfit(json.dumps(value), schema(OWN_ENCODERS)) == ""
        assert code_of(json.dumps(value)).code


def _any(part, root, rng):
    """A value that fits a schema of our making."""
    if "$ref" in part:
        return _any(root["$defs"][part["$ref"].rpartition("/")[2]], root, rng)
    if "enum" in part:
        return rng.choice(part["enum"])
    if "anyOf" in part:
        return _any(rng.choice(part["anyOf"]), root, rng)
    if part["type"] == "array":
        return [_any(part["items"], root, rng) for _ in range(rng.randint(part["minItems"], part["maxItems"]))]
    return {name: _any(inner, root, rng) for name, inner in part["properties"].items()}


def _enums(part) -> list[str]:
    if isinstance(part, dict):
        own = [json.dumps(part["enum"])] if "enum" in part else []
        return own + [text for value in part.values() for text in _enums(value)]
    return [text for value in part for text in _enums(value)] if isinstance(part, list) else []


def test_the_prompt_is_short_and_says_what_is_given():
    system, user = messages()
    assert "JSON" in system and len(system) + len(user) < 1200
    full = messages(EVERYTHING, ["class A: ..."], "a small LSTM", "wide stages failed", ("Swin blocks", "a GRU"))[1]
    for said in ("class A: ...", "a small LSTM", "wide stages failed", "Swin blocks and a GRU"):
        assert said in full and said not in user
    assert "torchvision" in user and "torchvision" not in messages(OWN_ENCODERS)[1]
    long = "\n".join(f"line {number}" for number in range(1000))
    assert len(messages(snippets=[long])[1]) < 3000
