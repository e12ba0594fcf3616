"""What a decoder looks at as code: a feature map [B, C, H, W] as vectors [B, M, width]."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Pooled, Tokens
from ab.gpt.propose.blueprint.render.text import Part, indented, lines

SINUSOIDS = '''
def sinusoids(length: int, width: int) -> Tensor:
    """Fixed vectors by which places can be told apart, [length, width]."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), 1)
'''

POOLED = '''
class Memory(nn.Module):
    """The mean of the feature map as one vector, [B, 1, width]."""

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Linear(channels, width),
            nn.LayerNorm(width),
            nn.Dropout(dropout),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.project(features.mean((2, 3)))[:, None]
'''


def memory(form: Pooled | Tokens, channels: int, width: int, dropout: float) -> Part:
    """The class that makes the memory, and how it is built."""
    common = f"{channels}, width={width}, dropout={dropout}"
    if isinstance(form, Pooled):
        return Part((POOLED,), f"Memory({common})")
    helpers = (SINUSOIDS,) if form.positions == "sinusoidal" else ()
    return Part((*helpers, _tokens(form)), f"Memory({common}, side={form.side})")


def _tokens(form: Tokens) -> str:
    patch = form.form == "patch"
    what = "Patches of two by two places" if patch else "The places"
    pixel, most = (2, "2 * self.side") if patch else (1, "self.side")
    uneven = [
        "height, width = features.shape[2:]",
        "features = F.pad(features, (0, width % 2, 0, height % 2))",
    ]
    return lines(
        f'''
class Memory(nn.Module):
    """{what} of the feature map, at most side x side, [B, M, width]."""

    def __init__(
        self,
        channels: int,
        width: int,
        dropout: float,
        side: int,
    ) -> None:
        super().__init__()
        self.side = side
        self.project = nn.Conv2d(channels, width, {pixel}, {pixel})
''',
        _POSITIONS[form.positions],
        f"""
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        size = [min(side, {most}) for side in features.shape[2:]]
        features = F.adaptive_avg_pool2d(features, size)
""",
        indented(uneven, 2) if patch else None,
        """
        tokens = self.project(features).permute(0, 2, 3, 1)
        rows, columns = tokens.shape[1:3]
"""
        if form.positions != "none"
        else """
        tokens = self.project(features).permute(0, 2, 3, 1)
""",
        _PLACED[form.positions],
        """
        return self.dropout(self.norm(tokens.flatten(1, 2)))
""",
    )


_POSITIONS = {
    "none": None,
    "learned": """
        self.rows = nn.Parameter(0.02 * torch.randn(side, 1, width))
        self.columns = nn.Parameter(0.02 * torch.randn(1, side, width))
""",
    "sinusoidal": """
        places = sinusoids(side, width // 2)
        self.register_buffer("places", places, persistent=False)
""",
}
_PLACED = {
    "none": None,
    "learned": """
        tokens = tokens + self.rows[:rows] + self.columns[:, :columns]
""",
    "sinusoidal": """
        down = self.places[:rows, None].expand(-1, columns, -1)
        across = self.places[None, :columns].expand(rows, -1, -1)
        tokens = tokens + torch.cat((down, across), -1)
""",
}
