"""A Transformer decoder as code, with the keys and values of what it has read kept."""

from __future__ import annotations

from typing import NamedTuple

from ab.gpt.propose.blueprint.blueprint import Transformer
from ab.gpt.propose.blueprint.render.memory import SINUSOIDS
from ab.gpt.propose.blueprint.render.text import HEADS, Part, lines

STATE = '''
class State(NamedTuple):
    """Where the decoder stands with a batch: so many lines of words an image.

    The words of all lines of an image are kept side by side, and `seen` says which of them
    each line goes back to: lines can change places without a word being copied.
    """

    image: {image}
    words: list[tuple[Tensor, Tensor] | None]  # each layer's keys and values of the words
    seen: Tensor  # [B, lines, words]
    length: int  # words of a line

    @property
    def lines(self) -> int:
        return self.seen.size(1)
'''

DECODER = '''
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
'''

READING = '''
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
'''

REORDER = '''
    def reorder(self, state: State, rows: Tensor) -> State:
        """The state of these lines, counted over all images."""
        batch, _, words = state.seen.shape
        return state._replace(seen=state.seen.flatten(0, 1)[rows].view(batch, -1, words))
'''

LAYER = '''
class DecoderLayer(nn.Module):
    """{what}"""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.words = nn.Linear(width, 3 * width)
        self.said = nn.Linear(width, width)
{image}
        self.network = nn.Sequential(
            nn.Linear(width, {expand} * width),
            nn.GELU(),
            nn.Linear({expand} * width, width),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range({norms}))
        self.dropout = nn.Dropout(dropout)

{of_memory}

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

{of_image}    def forward(
        self,
        x: Tensor,
        image: {kept},
        before: tuple[Tensor, Tensor] | None,
        mask: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
'''

PRE = """
        found, words = self.of_words(self.norms[0](x), before, mask)
        x = x + found
        x = x + {pre}
        return x + self.dropout(self.network(self.norms[{last}](x))), words
"""

POST = """
        found, words = self.of_words(x, before, mask)
        x = self.norms[0](x + found)
        x = self.norms[1](x + {post})
        return self.norms[2](x + self.dropout(self.network(x))), words
"""


class Look(NamedTuple):
    """How the decoder looks at the image, as pieces of code."""

    what: str
    layers: str
    of_memory: str
    of_image: str
    kept: str
    about: str
    pre: str
    post: str


TOKENS = Look(
    what="Attention to the words before, attention to the image, and a small network.",
    layers="""
        self.query = nn.Linear(width, width)
        self.image = nn.Linear(width, 2 * width)
        self.seen = nn.Linear(width, width)
""",
    of_memory='''
    def of_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a memory, which stay the same for all words."""
        keys, values = in_heads(self.image(memory), self.heads, 2)
        return keys, values
''',
    of_image='''
    def of_image(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """What attention to the image gives."""
        (query,) = in_heads(self.query(x), self.heads, 1)
        found = F.scaled_dot_product_attention(query, keys, values)
        return self.dropout(self.seen(found.transpose(1, 2).flatten(2)))

''',
    kept="tuple[Tensor, Tensor]",
    about="list[tuple[Tensor, Tensor]]  # each layer's keys and values of the memory",
    pre="self.of_image(self.norms[1](x), *image)",
    post="self.of_image(x, *image)",
)
POOLED = Look(
    what="Attention to the words before, the image, and a small network.",
    layers="""
        self.image = nn.Linear(width, width)
""",
    of_memory='''
    def of_memory(self, memory: Tensor) -> Tensor:
        """What the image adds to every word: attention to one vector would find just that."""
        return self.image(memory)
''',
    of_image="",
    kept="Tensor",
    about="list[Tensor]  # what each layer adds to every word, [B, 1, width]",
    pre="self.dropout(image)",
    post="self.dropout(image)",
)


def transformer(decoder: Transformer, dropout: float, pooled: bool) -> Part:
    """The classes of the decoder, and how it is built; an image that is one vector needs no attention to it."""
    sinusoidal, pre = decoder.positions == "sinusoidal", decoder.norm == "pre"
    look = POOLED if pooled else TOKENS
    layer = lines(LAYER, PRE if pre else POST)
    norms = 2 if pooled and pre else 3
    for name, piece in {
        "what": look.what, "image": look.layers.strip("\n"), "of_memory": look.of_memory.strip("\n"),
        "of_image": look.of_image.lstrip("\n"), "kept": look.kept, "pre": look.pre, "post": look.post,
        "expand": str(decoder.expand), "norms": str(norms), "last": str(norms - 1),
    }.items():  # fmt: skip
        layer = layer.replace(f"{{{name}}}", piece)
    known = "self.norm(x)" if pre else "x"
    if decoder.tied:
        known = f"self.turn({known})"
    whole = lines(
        DECODER,
        """
        self.register_buffer("places", sinusoids(LENGTH, width), persistent=False)
"""
        if sinusoidal
        else """
        self.places = nn.Parameter(0.5 * torch.randn(LENGTH, width))
""",
        """
        self.layers = nn.ModuleList(DecoderLayer(width, heads, dropout) for _ in range(layers))
""",
        "        self.norm = nn.LayerNorm(width)" if pre else None,
        """
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary)
""",
        """
        # With tied weights the word that was read would be taken for the word to come.
        self.turn = nn.Linear(width, width)
        self.logits.weight = self.embedding.weight
"""
        if decoder.tied
        else None,
        "",
        READING,
        f"        return {known}.unflatten(1, (lines, length)), state",
        "",
        REORDER,
    )
    build = (
        f"Decoder(int(out_shape[0]), width={decoder.width}, heads={decoder.heads},"
        f" layers={decoder.layers}, dropout={dropout})"
    )
    helpers = (SINUSOIDS,) if sinusoidal else ()
    return Part((*helpers, HEADS, STATE.replace("{image}", look.about), layer, whole), build, decoder.width)
