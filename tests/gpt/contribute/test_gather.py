"""What lies in LEMUR's package becomes a contribution, file by file."""

from __future__ import annotations

import pytest

from ab.gpt.contribute.contribution import BadContribution
from ab.gpt.contribute.gather import gather
from ab.gpt.lemur.names import BadName, Config
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.lemur.registry import place
from tests.gpt.contribute.clones import PRM, net_code


def test_a_recorded_network_is_gathered_whole(home):
    placed = place(home, net_code(4), prefix="C5C-Test")
    config = Config("img-captioning", "coco", "bleu", placed.name)
    record_trial(home, config, PRM, [Epoch(number, 0.1, number * 1000) for number in (1, 2, 3)])
    one = gather(home, placed.name, blind=0.12)
    assert one.code == net_code(4) and one.blind == 0.12
    assert {number: len(trials) for number, trials in one.epochs[config].items()} == {1: 1, 2: 1, 3: 1}
    assert (one.family, one.trials(), one.best()) == ("C5C-Test", 1, 0.1)


def test_what_is_not_there_is_said(home):
    with pytest.raises(BadContribution, match="no model"):
        gather(home, "Nothing")
    with pytest.raises(BadName):
        gather(home, "../x")
