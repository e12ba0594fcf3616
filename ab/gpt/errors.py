"""The one root of all errors that NN-Caption raises on purpose."""


class NNCaptionError(Exception):
    """Something the user can act on: what is wrong, where, and the way out.

    The command line prints these without a traceback and exits with `exit_code`; anything else that escapes is a
    defect of ours and keeps its traceback.
    """

    exit_code = 1

    def __init__(self, what: str, way_out: str = "") -> None:
        self.what = what
        self.way_out = way_out
        super().__init__(f"{what} {way_out}".strip())


class UsageError(NNCaptionError):
    """The command was called wrongly: an unknown flag, a value that is not allowed."""

    exit_code = 2
