"""LEMUR's database: building it, and asking it for the best captioners. Checks that both give the same rows."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Comparison, seconds

STOCK_BUILD = "import ab.nn.util.db.Write"
OUR_BUILD = "from ab.gpt.lemur import bootstrap, home; bootstrap.ensure(home.find_home())"
STOCK_QUERY = "import ab.nn.api as a; d = a.data(only_best_accuracy=True, task='img-captioning'); assert len(d) > 600"
OUR_QUERY = """
from ab.gpt.lemur import home, queries
best = queries.best_models(home.find_home(), 'img-captioning')
assert len(best) >= 13 and all(one.code and one.prm for one in best)
"""


def compare(runs: int) -> list[Comparison]:
    """The build once, because stock takes minutes; the query `runs` times each, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        stock, ours = Path(folder, "stock"), Path(folder, "ours")
        for root in (stock, ours):
            root.mkdir()
        results = [Comparison("database: first build", [seconds(STOCK_BUILD, stock)], [seconds(OUR_BUILD, ours)])]
        differing = _differing(stock / "db" / "ab.nn.db", ours / "db" / "ab.nn.db")
        if differing:
            raise AssertionError(f"the two databases differ in {differing}")
        pairs = [(seconds(STOCK_QUERY, stock), seconds(OUR_QUERY, ours)) for _ in range(runs)]
        results.append(
            Comparison(
                "best captioners with code, new process", [stock for stock, _ in pairs], [ours for _, ours in pairs]
            )
        )
        return results


def _differing(stock: Path, ours: Path) -> list[str]:
    """The tables whose rows are not the same, with how often each occurs."""
    with closing(sqlite3.connect(stock)) as db:
        db.execute("ATTACH ? AS ours", (str(ours),))
        differing = []
        for table in ("stat", "nn", "metric", "transform", "run", "prm"):
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            counted = "SELECT {0}, count(*) FROM {1}.{2} GROUP BY {0}"
            one, other = (counted.format(columns, which, table) for which in ("main", "ours"))
            if db.execute(
                f"SELECT 1 FROM ({one} EXCEPT {other}) UNION ALL SELECT 1 FROM ({other} EXCEPT {one})"
            ).fetchone():
                differing.append(table)
        return differing
