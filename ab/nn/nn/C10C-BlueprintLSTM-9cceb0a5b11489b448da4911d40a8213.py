"""An image captioner of the family BlueprintLSTM, rendered from its blueprint.

- encoder: mobilenet_v2, ImageNet's weights, frozen
- memory: at most 8 x 8 places, learned positions
- decoder: LSTM, 1 layer, 640 wide, tied weights
- attention: multihead8; the image's mean starts it and is fed
- dropout: 0.0
- training: nadam, a cosine, warm-up 0.1 epochs
- loss: smoothing 0.05, clipped at 1.0, 1 caption an image and step
- decoding: greedy, at most 25 tokens
"""

import math
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torch import Tensor
from torch.utils.data import DataLoader

PAD, SOS, EOS, UNK = 0, 1, 2, 3
NEVER_SAID = [PAD, SOS, UNK]
LENGTH = 25  # tokens of a caption, at most
CAPTIONS = 1  # one of an image's captions in one step
WARMUP = 0.1  # epochs in which the learning rate rises
SMOOTHING, CLIP = 0.05, 1.0


def supported_hyperparameters() -> set[str]:
    """The hyper-parameters that LEMUR gives."""
    return {"lr", "momentum"}


def as_imagenet(images: Tensor) -> Tensor:
    """Images as ImageNet's weights expect them, small ones enlarged to 64 pixels.

    Some of LEMUR's transforms give pixels in [0, 1], others scale them by the means and
    deviations of bytes, which leaves all of them below -1.
    """
    mean = images.new_tensor([104.01362025, 114.03422265, 119.9165958])[:, None, None]
    deviation = images.new_tensor([73.6027665, 69.89082075, 70.9150767])[:, None, None]
    scaled = images.amin((1, 2, 3), keepdim=True) < -1
    pixels = torch.where(scaled, images * deviation + mean, images).clamp(0, 1)
    if min(pixels.shape[2:]) < 64:
        pixels = F.interpolate(pixels, (64, 64), mode="bilinear")
    mean = images.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = images.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    return (pixels - mean) / deviation


class Encoder(nn.Module):
    """A classifier's layers before its head, which stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        classifier = torchvision.models.mobilenet_v2(weights="DEFAULT")
        self.layers = classifier.features
        self.layers.requires_grad_(False)

    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)  # its normalisation stays as it is as well

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self.layers(as_imagenet(images))


class Memory(nn.Module):
    """The places of the feature map, at most side x side, [B, M, width]."""

    def __init__(
        self,
        channels: int,
        width: int,
        dropout: float,
        side: int,
    ) -> None:
        super().__init__()
        self.side = side
        self.project = nn.Conv2d(channels, width, 1, 1)
        self.rows = nn.Parameter(0.02 * torch.randn(side, 1, width))
        self.columns = nn.Parameter(0.02 * torch.randn(1, side, width))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        size = [min(side, self.side) for side in features.shape[2:]]
        features = F.adaptive_avg_pool2d(features, size)
        tokens = self.project(features).permute(0, 2, 3, 1)
        rows, columns = tokens.shape[1:3]
        tokens = tokens + self.rows[:rows] + self.columns[:, :columns]
        return self.dropout(self.norm(tokens.flatten(1, 2)))


def in_heads(x: Tensor, heads: int, parts: int) -> tuple[Tensor, ...]:
    """From [B, N, parts * width] so many parts, each [B, heads, N, width / heads]."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


class Attention(nn.Module):
    """Several attentions side by side, each in its part of the width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)

    def start(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a memory [B, M, width], each [B, heads, M, width / heads]."""
        keys, values = in_heads(self.memory(memory), self.heads, 2)
        return keys, values

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        (query,) = in_heads(self.query(x), self.heads, 1)
        found = F.scaled_dot_product_attention(query, keys, values)
        return found.transpose(1, 2).flatten(2)


class State(NamedTuple):
    """Where the decoder stands with a batch: so many lines of words an image."""

    lines: int
    hidden: tuple[Tensor, Tensor]  # of all layers and lines, [layers, B * lines, width]
    image: Tensor  # fed with every word, [B, 1, 1, width]
    keys: Tensor
    values: Tensor


class Decoder(nn.Module):
    """What is known before each next word, from the words so far and a memory [B, M, width]."""

    def __init__(self, vocabulary: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.begin = nn.Linear(width, layers * width)
        self.layers = nn.LSTM(2 * width, width, layers, batch_first=True)
        self.attention = Attention(width, heads=8)
        self.merge = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary)
        self.logits.weight = self.embedding.weight

    def start(self, memory: Tensor, lines: int = 1) -> State:
        """The state before the first word, with so many lines an image."""
        image = memory.mean(1)
        hidden = torch.tanh(self.begin(image)).unflatten(1, (-1, image.size(1)))
        hidden = hidden.transpose(0, 1).repeat_interleave(lines, 1)
        keys, values = self.attention.start(memory)
        return State(lines, (hidden, torch.zeros_like(hidden)), image[:, None, None], keys, values)

    def forward(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """What is known after each of the words [B, lines, T], and the state then."""
        batch, lines, length = words.shape
        x = self.embedding(words) * self.embedding.embedding_dim**0.5
        x = torch.cat((x, state.image.expand_as(x)), -1)
        x, hidden = self.layers(self.dropout(x).flatten(0, 1), state.hidden)
        x = x.reshape(batch, lines * length, -1)
        seen = self.attention(x, state.keys, state.values)
        x = torch.tanh(self.merge(torch.cat((x, seen), -1)))
        x = self.dropout(self.norm(x))
        return x.view(batch, lines, length, -1), state._replace(hidden=hidden)

    def reorder(self, state: State, rows: Tensor) -> State:
        """The state of these lines, counted over all images."""
        hidden = tuple(part[:, rows] for part in state.hidden)
        lines = state.lines * len(rows) // state.hidden[0].size(1)
        return state._replace(lines=lines, hidden=hidden)


def chosen(captions: Tensor) -> Tensor:
    """CAPTIONS of each image's captions by chance, [B, CAPTIONS, T], as long as is read of them."""
    if captions.dim() == 2:
        captions = captions[:, None]
    if captions.size(1) > CAPTIONS:
        written = (captions != PAD).any(2)  # images with fewer captions have empty ones
        chances = torch.rand(captions.shape[:2], device=captions.device) + written
        picks = chances.topk(CAPTIONS).indices[..., None]
        captions = captions.gather(1, picks.expand(-1, -1, captions.size(2)))
    longest = int((captions != PAD).any(0).any(0).sum())
    return captions[..., : min(longest, LENGTH + 1)]


class Net(nn.Module):
    """Images [B, C, H, W] as captions: token ids, PAD after EOS."""

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        prm: dict,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.device = device
        self.encoder = Encoder()
        self.memory = Memory(1280, width=640, dropout=0.0, side=8)
        self.decoder = Decoder(int(out_shape[0]), width=640, layers=1, dropout=0.0)

    def forward(
        self,
        images: Tensor,
        captions: Tensor | None = None,
        hidden_state: Tensor | None = None,
    ) -> Tensor:
        """Captions as token ids [B, L]; with captions [B, T] the logits of their next words.

        Of captions [B, 5, T] the first ones are taken. A hidden state is of no use here.
        """
        if captions is None:
            return self.write(self.memory(self.encoder(images)))
        words = captions[:, :1] if captions.dim() == 3 else captions[:, None]
        every = torch.ones_like(words[..., 1:], dtype=torch.bool)
        return self.read(images, words[..., :-1], every).unflatten(0, (len(images), -1))

    def read(self, images: Tensor, words: Tensor, said: Tensor) -> Tensor:
        """The logits after those of the words [B, N, T] that `said` marks, [marked, vocabulary].

        Only they go through the vocabulary, which is most of the work.
        """
        state = self.decoder.start(self.memory(self.encoder(images)), words.size(1))
        known, _ = self.decoder(words, state)
        return self.decoder.logits(known[said])

    @torch.no_grad()
    def write(self, memory: Tensor) -> Tensor:
        """The likeliest word at every step, [B, at most LENGTH]; PAD follows EOS."""
        state = self.decoder.start(memory)
        words = memory.new_full((memory.size(0), 1), SOS, dtype=torch.long)
        ended = torch.zeros_like(words, dtype=torch.bool)
        caption = []
        for _ in range(LENGTH):
            hidden, state = self.decoder(words[:, None], state)
            logits = self.decoder.logits(hidden[:, 0]).float()
            logits[..., NEVER_SAID] = -torch.inf
            words = logits.argmax(-1).masked_fill(ended, PAD)
            caption.append(words)
            ended = ended | (words == EOS)
            if ended.all():
                break
        return torch.cat(caption, 1)

    def train_setup(self, prm: dict) -> None:
        """Makes the loss and the optimizer; LEMUR's momentum is its first beta."""
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=SMOOTHING)
        self.rate, self.epochs = float(prm["lr"]), 0
        betas = (min(float(prm["momentum"]), 0.99), 0.999)
        learning = [*self.memory.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.NAdam(learning, self.rate, betas)

    def pace(self, epochs: float) -> float:
        """A share of LEMUR's learning rate: it falls and starts anew after 1, 3 and 7 epochs."""
        warm = min(1.0, epochs / WARMUP)
        cycle = 2 ** int(math.log2(epochs + 1))
        part = (epochs + 1 - cycle) / cycle
        return warm * (0.51 + 0.49 * math.cos(math.pi * part))

    def learn(self, train_data: DataLoader) -> None:
        """Learns for one epoch. An image is looked at once for all captions of a step."""
        self.train()
        for step, (images, captions) in enumerate(train_data):
            captions = chosen(captions.to(self.device))
            words, targets = captions[..., :-1], captions[..., 1:]
            said = targets != PAD
            if not said.any():
                continue
            logits = self.read(images.to(self.device), words, said)
            loss = self.criterion(logits, targets[said])
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), CLIP)
            pace = self.pace(self.epochs + (step + 0.5) / len(train_data))
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * pace
            self.optimizer.step()
        self.epochs += 1
