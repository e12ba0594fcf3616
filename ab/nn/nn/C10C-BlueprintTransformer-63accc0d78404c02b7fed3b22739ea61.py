"""An image captioner of the family BlueprintTransformer, rendered from its blueprint.

- encoder: mobilenet_v2, ImageNet's weights, frozen
- memory: the image as one vector
- decoder: Transformer, 1 layer, 640 wide
- attention: 10 heads; pre-norm, feed-forward x 3, learned positions
- dropout: 0.0
- training: adam, stairs, warm-up 0.1 epochs
- loss: smoothing 0.05, clipped at 0.5, 1 caption an image and step
- decoding: beam search, 2 wide, penalty 1.0, at most 30 tokens
"""

from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torch import Tensor
from torch.utils.data import DataLoader

PAD, SOS, EOS, UNK = 0, 1, 2, 3
NEVER_SAID = [PAD, SOS, UNK]
LENGTH = 30  # tokens of a caption, at most
BEAMS, PENALTY = 2, 1.0  # scores are divided by length ** PENALTY
CAPTIONS = 1  # one of an image's captions in one step
WARMUP = 0.1  # epochs in which the learning rate rises
SMOOTHING, CLIP = 0.05, 0.5


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


def in_heads(x: Tensor, heads: int, parts: int) -> tuple[Tensor, ...]:
    """From [B, N, parts * width] so many parts, each [B, heads, N, width / heads]."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


class State(NamedTuple):
    """Where the decoder stands with a batch: so many lines of words an image.

    The words of all lines of an image are kept side by side, and `seen` says which of them
    each line goes back to: lines can change places without a word being copied.
    """

    image: list[Tensor]  # what each layer adds to every word, [B, 1, width]
    words: list[tuple[Tensor, Tensor] | None]  # each layer's keys and values of the words
    seen: Tensor  # [B, lines, words]
    length: int  # words of a line

    @property
    def lines(self) -> int:
        return self.seen.size(1)


class DecoderLayer(nn.Module):
    """Attention to the words before, the image, and a small network."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.words = nn.Linear(width, 3 * width)
        self.said = nn.Linear(width, width)
        self.image = nn.Linear(width, width)
        self.network = nn.Sequential(
            nn.Linear(width, 3 * width),
            nn.GELU(),
            nn.Linear(3 * width, width),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def of_memory(self, memory: Tensor) -> Tensor:
        """What the image adds to every word: attention to one vector would find just that."""
        return self.image(memory)

    def of_words(
        self,
        x: Tensor,
        before: tuple[Tensor, Tensor] | None,
        mask: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What attention to the words gives, and the keys and values of all of them."""
        query, keys, values = in_heads(self.words(x), self.heads, 3)
        if before is not None:
            keys = torch.cat((before[0], keys), 2)
            values = torch.cat((before[1], values), 2)
        found = F.scaled_dot_product_attention(query, keys, values, mask)
        return self.dropout(self.said(found.transpose(1, 2).flatten(2))), (keys, values)

    def forward(
        self,
        x: Tensor,
        image: Tensor,
        before: tuple[Tensor, Tensor] | None,
        mask: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        found, words = self.of_words(self.norms[0](x), before, mask)
        x = x + found
        x = x + self.dropout(image)
        return x + self.dropout(self.network(self.norms[1](x))), words


class Decoder(nn.Module):
    """What is known before each next word, from the words so far and a memory [B, M, width]."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.places = nn.Parameter(0.5 * torch.randn(LENGTH, width))
        self.layers = nn.ModuleList(DecoderLayer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary)

    def start(self, memory: Tensor, lines: int = 1) -> State:
        """The state before the first word, with so many lines an image."""
        seen = memory.new_zeros(memory.size(0), lines, 0, dtype=torch.bool)
        image = [layer.of_memory(memory) for layer in self.layers]
        return State(image, [None] * len(image), seen, 0)

    def forward(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """What is known after each of the words [B, lines, T], and the state then."""
        batch, lines, length = words.shape
        place = torch.arange(length, device=words.device)
        x = self.embedding(words) * self.embedding.embedding_dim**0.5
        x = x + self.places[(place + state.length).clamp(max=LENGTH - 1)]
        x = self.dropout(x).flatten(1, 2)
        # A word sees what its line has seen before, itself, and the new words before it.
        line = torch.arange(lines, device=words.device).repeat_interleave(length)
        place = place.repeat(lines)
        new = (line[:, None] == line) & (place[:, None] >= place)
        old = state.seen.repeat_interleave(length, 1)
        mask = torch.cat((old, new.expand(batch, -1, -1)), 2)
        read = []
        for layer, image, before in zip(self.layers, state.image, state.words, strict=True):
            x, after = layer(x, image, before, mask[:, None])
            read.append(after)
        state = State(state.image, read, mask[:, length - 1 :: length], state.length + length)
        return self.norm(x).unflatten(1, (lines, length)), state

    def reorder(self, state: State, rows: Tensor) -> State:
        """The state of these lines, counted over all images."""
        batch, _, words = state.seen.shape
        return state._replace(seen=state.seen.flatten(0, 1)[rows].view(batch, -1, words))


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
        self.memory = Memory(1280, width=640, dropout=0.0)
        self.decoder = Decoder(int(out_shape[0]), width=640, heads=10, layers=1, dropout=0.0)

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
        """The best captions of a beam search, [B, at most LENGTH]; PAD follows EOS.

        All lines of all images go through the decoder together. Each image ranks its own lines
        only; one that has ended keeps its score and goes on with PAD. Gains are rounded, so that
        lines of the same words in another order rank alike whatever the size of the batch.
        """
        batch = memory.size(0)
        state = self.decoder.start(memory)
        captions = memory.new_full((batch, 1, 1), SOS, dtype=torch.long)
        scores = memory.new_zeros(batch, 1)
        ended = torch.zeros_like(scores, dtype=torch.bool)
        for _ in range(LENGTH):
            hidden, state = self.decoder(captions[..., -1:], state)
            logits = self.decoder.logits(hidden[:, :, 0]).float()
            logits[..., NEVER_SAID] = -torch.inf
            best, choices = logits.topk(BEAMS)
            gains = (best - logits.logsumexp(-1, keepdim=True)).round(decimals=3)
            gains[ended] = -torch.inf
            gains[..., 0].masked_fill_(ended, 0)
            choices.masked_fill_(ended[..., None], PAD)
            scores, picks = (scores[..., None] + gains).flatten(1).topk(BEAMS)
            parents = picks // BEAMS
            words = choices.flatten(1).gather(1, picks)
            ended = ended.gather(1, parents) | (words == EOS)
            before = parents[..., None].expand(-1, -1, captions.size(2))
            captions = torch.cat((captions.gather(1, before), words[..., None]), 2)
            # Scores only fall: a line that cannot pass the best of its image is given up.
            ranks = scores / ((captions != PAD).sum(-1) - 1) ** PENALTY
            reached = ranks.masked_fill(~ended, -torch.inf).amax(1, keepdim=True)
            lost = ~ended & (scores / LENGTH**PENALTY <= reached)
            scores.masked_fill_(lost, -torch.inf)
            ended |= lost
            if ended.all():
                break
            first = torch.arange(batch, device=parents.device) * state.lines
            state = self.decoder.reorder(state, (first[:, None] + parents).flatten())
        ranks = scores / ((captions != PAD).sum(-1) - 1) ** PENALTY
        winner = ranks.argmax(1)
        return captions[torch.arange(batch), winner, 1:]

    def train_setup(self, prm: dict) -> None:
        """Makes the loss and the optimizer; LEMUR's momentum is its first beta."""
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=SMOOTHING)
        self.rate, self.epochs = float(prm["lr"]), 0
        betas = (min(float(prm["momentum"]), 0.99), 0.999)
        learning = [*self.memory.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(learning, self.rate, betas, fused=True)

    def pace(self, epochs: float) -> float:
        """A share of LEMUR's learning rate: it rises, then falls by a fifth every epoch."""
        warm = min(1.0, epochs / WARMUP)
        return warm * max(0.02, 0.8 ** int(epochs))

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
