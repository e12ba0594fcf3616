"""The code of the encoder's blocks: each takes (inputs, outputs, stride) and maps images [B, C, H, W]."""

from __future__ import annotations

SHORTCUT = '''
def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """What a block's input goes through before it is added to its output."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False),
        nn.BatchNorm2d(outputs),
    )
'''

CONVOLUTION = '''
def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the borders, normalised and activated."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
'''

ENTRY = '''
def entry(inputs: int, outputs: int, stride: int) -> nn.Module:
    """What brings an image to a block's width and size."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Conv2d(inputs, outputs, 3, stride, 1)
'''

STAGE = '''
def stage(
    block: type[nn.Module],
    inputs: int,
    outputs: int,
    depth: int,
    stride: int,
) -> nn.Sequential:
    """Blocks of one kind, the first of which changes width and size."""
    blocks = [block(inputs, outputs, stride)]
    blocks += [block(outputs, outputs, 1) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
'''

PLAIN = '''
class PlainBlock(nn.Module):
    """Two convolutions around which the input is led."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(inputs, outputs, 3, stride),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))
'''

BOTTLENECK = '''
class BottleneckBlock(nn.Module):
    """A convolution in a quarter of the width, around which the input is led."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        narrow = outputs // 4
        self.body = nn.Sequential(
            convolution(inputs, narrow, 1),
            convolution(narrow, narrow, 3, stride),
            nn.Conv2d(narrow, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))
'''

INVERTED = '''
class InvertedBlock(nn.Module):
    """A depthwise convolution in four times the width, as in MobileNetV2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = 4 * inputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.SiLU(inplace=True),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.SiLU(inplace=True),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.same = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.same else self.body(x)
'''

CONVNEXT = '''
class ConvNeXtBlock(nn.Module):
    """A large depthwise convolution and a layer-wise network for each place."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.entry = entry(inputs, outputs, stride)
        self.depthwise = nn.Conv2d(outputs, outputs, 7, 1, 3, groups=outputs)
        self.norm = nn.LayerNorm(outputs)
        self.wide = nn.Linear(outputs, 4 * outputs)
        self.narrow = nn.Linear(4 * outputs, outputs)
        self.scale = nn.Parameter(torch.full((outputs,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.narrow(F.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)
'''

DENSE = '''
class DenseBlock(nn.Module):
    """Three convolutions, each of which sees the results of all before it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        growth = outputs // 2
        self.layers = nn.ModuleList(
            convolution(inputs + number * growth, growth, 3) for number in range(3)
        )
        self.merge = convolution(inputs + 3 * growth, outputs, 1)
        self.shrink = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.shrink(x)
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        return self.merge(x)
'''

INCEPTION = '''
class InceptionBlock(nn.Module):
    """Four views of different reach side by side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        part = outputs // 4
        self.views = nn.ModuleList(
            [
                convolution(inputs, part, 1, stride),
                nn.Sequential(
                    convolution(inputs, part, 1),
                    convolution(part, part, 3, stride),
                ),
                nn.Sequential(
                    convolution(inputs, part, 1),
                    convolution(part, part, 3),
                    convolution(part, part, 3, stride),
                ),
                nn.Sequential(
                    nn.MaxPool2d(3, stride, 1),
                    convolution(inputs, part, 1),
                ),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([view(x) for view in self.views], 1)
'''

FIRE = '''
class FireBlock(nn.Module):
    """Squeezed to a quarter, then widened by small and larger kernels, as in SqueezeNet."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shrink = nn.MaxPool2d(3, stride, 1) if stride > 1 else nn.Identity()
        self.squeeze = convolution(inputs, outputs // 4, 1)
        self.small = convolution(outputs // 4, outputs // 2, 1)
        self.large = convolution(outputs // 4, outputs // 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(self.shrink(x))
        return torch.cat((self.small(x), self.large(x)), 1)
'''

SELF_ATTENTION = '''
class AttentionLayer(nn.Module):
    """Every token attends to all of its sequence, then passes a small network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, width // 32, batch_first=True)
        self.network = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.network(x)
'''

VIT = '''
class ViTBlock(nn.Module):
    """Attention of every place of the image to every other."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.entry = entry(inputs, outputs, stride)
        self.layer = AttentionLayer(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        y = self.layer(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])
'''

SWIN = '''
class SwinBlock(nn.Module):
    """Attention within windows, and within windows that lie across their borders."""

    SIDE = 4

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.entry = entry(inputs, outputs, stride)
        self.straight = AttentionLayer(outputs)
        self.across = AttentionLayer(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.windows(self.entry(x), self.straight, 0)
        return self.windows(x, self.across, self.SIDE // 2)

    def windows(self, x: Tensor, layer: nn.Module, offset: int) -> Tensor:
        """The image after a layer in each window; the border is filled up with zeros."""
        side, (height, width) = self.SIDE, x.shape[2:]
        right, bottom = -(width + offset) % side, -(height + offset) % side
        x = F.pad(x, (offset, right, offset, bottom))
        rows, columns = x.shape[2] // side, x.shape[3] // side
        x = x.unflatten(3, (columns, side)).unflatten(2, (rows, side))
        x = x.permute(0, 2, 4, 3, 5, 1)
        places = layer(x.reshape(-1, side * side, x.shape[-1])).view(x.shape)
        x = places.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)
        return x[:, :, offset : offset + height, offset : offset + width]
'''

BLOCKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "plain": ("PlainBlock", (CONVOLUTION, SHORTCUT, PLAIN)),
    "bottleneck": ("BottleneckBlock", (CONVOLUTION, SHORTCUT, BOTTLENECK)),
    "inverted": ("InvertedBlock", (INVERTED,)),
    "convnext": ("ConvNeXtBlock", (ENTRY, CONVNEXT)),
    "dense": ("DenseBlock", (CONVOLUTION, DENSE)),
    "inception": ("InceptionBlock", (CONVOLUTION, INCEPTION)),
    "fire": ("FireBlock", (CONVOLUTION, FIRE)),
    "vit": ("ViTBlock", (ENTRY, SELF_ATTENTION, VIT)),
    "swin": ("SwinBlock", (ENTRY, SELF_ATTENTION, SWIN)),
}
"""The class of each kind of block, and the code that it takes, in order."""
