"""One package `ab`, shared by LEMUR (`ab.nn`), NNGPT (`ab.gpt`) and NN-Caption (`ab.gpt.NNCaption`).

LEMUR's own version of this file imports `ab.nn` at once, which takes seconds and may build a database. This one
waits until somebody asks: `ab.nn`, `ab.data`, `ab.check_nn` and the rest of LEMUR's interface are fetched on first
use, so what worked with LEMUR alone still works, and `nncaption --help` answers at once.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)


def __getattr__(name: str) -> object:
    """LEMUR's public names, imported when first used."""
    import importlib

    if name.startswith("_"):
        raise AttributeError(f"module 'ab' has no attribute '{name}'")
    lemur = importlib.import_module("ab.nn")
    if name == "nn":
        return lemur
    try:
        return getattr(lemur, name)
    except AttributeError:
        raise AttributeError(f"neither 'ab' nor LEMUR's 'ab.nn' has an attribute '{name}'") from None
