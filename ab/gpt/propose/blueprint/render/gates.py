"""The code of channel attention: each takes the width and scales images [B, C, H, W]."""

from __future__ import annotations

SQUEEZE = '''
class SqueezeExcite(nn.Module):
    """Each channel is weighed by a small network that sees the mean of all."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(width, width // 8),
            nn.ReLU(inplace=True),
            nn.Linear(width // 8, width),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.network(x.mean((2, 3)))[:, :, None, None]
'''

CBAM = '''
class ConvolutionalAttention(nn.Module):
    """Channels are weighed by their means and maxima, then places by theirs: CBAM."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = nn.Sequential(
            nn.Linear(width, width // 8),
            nn.ReLU(inplace=True),
            nn.Linear(width // 8, width),
        )
        self.places = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.channels(x.mean((2, 3))) + self.channels(x.amax((2, 3)))
        x = x * weights.sigmoid()[:, :, None, None]
        seen = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
        return x * self.places(seen).sigmoid()
'''

ECA = '''
class EfficientAttention(nn.Module):
    """Each channel is weighed by the means of its neighbours: ECA."""

    def __init__(self, width: int) -> None:
        super().__init__()
        kernel = 5 if width > 64 else 3
        self.neighbours = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.neighbours(x.mean((2, 3))[:, None]).sigmoid()
        return x * weights[:, 0, :, None, None]
'''

GATES: dict[str, tuple[str, str]] = {
    "se": ("SqueezeExcite", SQUEEZE),
    "cbam": ("ConvolutionalAttention", CBAM),
    "eca": ("EfficientAttention", ECA),
}
"""The class of each kind of channel attention, and its code."""
