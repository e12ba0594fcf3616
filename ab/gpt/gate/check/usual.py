"""What is meant by a name that is often used and forgotten to be imported."""

from __future__ import annotations

USUAL: dict[str, str] = {
    "torch": "import torch",
    "nn": "import torch.nn as nn",
    "F": "import torch.nn.functional as F",
    "optim": "import torch.optim as optim",
    "torchvision": "import torchvision",
    "models": "import torchvision.models as models",
    "np": "import numpy as np",
    "Tensor": "from torch import Tensor",
    "GLOBAL_CAPTION_VOCAB": "from ab.nn.loader.coco_.Caption import GLOBAL_CAPTION_VOCAB",
    **{
        name: f"import {name}"
        for name in ("collections", "contextlib", "copy", "functools", "itertools", "math", "random", "warnings")
    },
    **{
        name: f"from typing import {name}"
        for name in (
            "Any", "Callable", "Dict", "Iterable", "Iterator", "List", "Literal", "Mapping", "NamedTuple", "Optional",
            "Sequence", "Set", "Tuple", "Type", "Union",
        )
    },
    **{
        name: f"from collections import {name}"
        for name in ("Counter", "OrderedDict", "defaultdict", "deque", "namedtuple")
    },
    **{name: f"from dataclasses import {name}" for name in ("dataclass", "field")},
    **{name: f"from functools import {name}" for name in ("lru_cache", "partial", "reduce")},
    **{name: f"from itertools import {name}" for name in ("chain", "product", "repeat")},
    **{name: f"from copy import {name}" for name in ("deepcopy",)},
    **{
        name: f"from torch.nn.utils.rnn import {name}"
        for name in ("pack_padded_sequence", "pad_packed_sequence", "pad_sequence")
    },
    **{name: f"from torch.nn.utils import {name}" for name in ("clip_grad_norm_",)},
    **{name: f"from torch.amp import {name}" for name in ("GradScaler", "autocast")},
}  # fmt: skip
