"""Rows that a second process makes ahead are the rows that there would be without it."""

from __future__ import annotations

import sys

from ab.gpt.lemur import batches as module
from ab.gpt.lemur.batches import batches
from ab.gpt.lemur.bootstrap import config_names

LOUD = '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\nprint("LEMUR says something")\n'


def test_what_an_import_prints_does_not_get_between_them(home, tmp_path, monkeypatch):
    """Inside a clone of LEMUR's `python -m ab.gpt.NNCaption` imports the clone's `ab`, which prints."""
    names = config_names(home)
    alone = list(batches(home.stat_train, names, False))
    (tmp_path / "loud" / "ab").mkdir(parents=True)
    (tmp_path / "loud" / "ab" / "__init__.py").write_text(LOUD)
    monkeypatch.syspath_prepend(str(tmp_path / "loud"))
    monkeypatch.delitem(sys.modules, "nncaption", raising=False)
    monkeypatch.setattr(module, "WORTH_A_PROCESS", 0)
    assert list(batches(home.stat_train, names, False)) == alone and sum(len(batch.stat) for batch in alone) > 20
