"""NN-Caption lives here, beside NNGPT if that is installed: one package, wherever its parts lie."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
