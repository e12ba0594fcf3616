"""The gate's home, torch's catalogue and warm process, for rendered networks."""

from tests.gpt.gate.conftest import catalogue_folder, gate_home, torch_catalogue, warm_network

__all__ = ["catalogue_folder", "gate_home", "torch_catalogue", "warm_network"]
