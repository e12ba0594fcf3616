"""An LSTM or GRU decoder as code, with what it attends by."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Recurrent
from ab.gpt.propose.blueprint.render.text import HEADS, Part, lines

ADDITIVE = '''
class Attention(nn.Module):
    """Words and memory meet in a small network, whose result says how much each token counts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width // 4)
        self.key = nn.Linear(width, width // 4, bias=False)
        self.score = nn.Linear(width // 4, 1, bias=False)

    def start(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a memory [B, M, width]."""
        return self.key(memory), memory

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        met = torch.tanh(self.query(x)[:, :, None] + keys[:, None])
        return self.score(met).squeeze(-1).softmax(-1) @ values
'''

DOT = '''
class Attention(nn.Module):
    """Each token counts as much as it is like the question that a word asks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)

    def start(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a memory [B, M, width]."""
        return memory, memory

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        scores = self.query(x) @ keys.transpose(1, 2) * x.size(-1) ** -0.5
        return scores.softmax(-1) @ values
'''

MULTIHEAD = '''
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
'''

ATTENTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "additive": ("Attention(width)", (ADDITIVE,)),
    "dot": ("Attention(width)", (DOT,)),
    "multihead4": ("Attention(width, heads=4)", (HEADS, MULTIHEAD)),
    "multihead8": ("Attention(width, heads=8)", (HEADS, MULTIHEAD)),
}
"""How each kind of attention is built, and the code that it takes, in order."""


def recurrent(decoder: Recurrent, dropout: float) -> Part:
    """The classes of the decoder, and how it is built."""
    _, needed = ATTENTIONS.get(decoder.attention, ("", ()))
    build = f"Decoder(int(out_shape[0]), width={decoder.width}, layers={decoder.layers}, dropout={dropout})"
    return Part((*needed, _state(decoder), _decoder(decoder)), build, decoder.width)


def _state(decoder: Recurrent) -> str:
    hidden = "tuple[Tensor, Tensor]" if decoder.family == "LSTM" else "Tensor"
    return lines(
        f'''
class State(NamedTuple):
    """Where the decoder stands with a batch: so many lines of words an image."""

    lines: int
    hidden: {hidden}  # of all layers and lines, [layers, B * lines, width]
''',
        "    image: Tensor  # fed with every word, [B, 1, 1, width]" if _feeds(decoder) else None,
        "    keys: Tensor\n    values: Tensor" if _attends(decoder) else None,
    )


def _decoder(decoder: Recurrent) -> str:
    lstm, attends, feeds = decoder.family == "LSTM", _attends(decoder), _feeds(decoder)
    starts = decoder.feature in ("init", "both")
    inputs = "2 * width" if feeds else "width"
    between = ", dropout=dropout" if decoder.layers > 1 else ""
    fields = ["image[:, None, None]"] if feeds else []
    fields += ["keys", "values"] if attends else []
    pair = "(hidden, torch.zeros_like(hidden))" if lstm else "hidden"
    state = ", ".join(["lines", pair, *fields])
    moved = "tuple(part[:, rows] for part in state.hidden)" if lstm else "state.hidden[:, rows]"
    size = "state.hidden[0].size(1)" if lstm else "state.hidden.size(1)"
    return lines(
        '''
class Decoder(nn.Module):
    """What is known before each next word, from the words so far and a memory [B, M, width]."""

    def __init__(self, vocabulary: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
''',
        "        self.begin = nn.Linear(width, layers * width)" if starts else None,
        f"        self.layers = nn.{decoder.family}({inputs}, width, layers, batch_first=True{between})",
        f"        self.attention = {ATTENTIONS[decoder.attention][0]}" if attends else None,
        "        self.merge = nn.Linear(2 * width, width)" if attends else None,
        """
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary)
""",
        "        self.logits.weight = self.embedding.weight" if decoder.tied else None,
        "",
        '''
    def start(self, memory: Tensor, lines: int = 1) -> State:
        """The state before the first word, with so many lines an image."""
''',
        """
        image = memory.mean(1)
        hidden = torch.tanh(self.begin(image)).unflatten(1, (-1, image.size(1)))
        hidden = hidden.transpose(0, 1).repeat_interleave(lines, 1)
"""
        if starts
        else """
        image = memory.mean(1)
        hidden = image.new_zeros(self.layers.num_layers, lines * image.size(0), image.size(1))
""",
        "        keys, values = self.attention.start(memory)" if attends else None,
        f"        return State({state})",
        "",
        '''
    def forward(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """What is known after each of the words [B, lines, T], and the state then."""
        batch, lines, length = words.shape
        x = self.embedding(words) * self.embedding.embedding_dim**0.5
''',
        "        x = torch.cat((x, state.image.expand_as(x)), -1)" if feeds else None,
        """
        x, hidden = self.layers(self.dropout(x).flatten(0, 1), state.hidden)
""",
        """
        x = x.reshape(batch, lines * length, -1)
        seen = self.attention(x, state.keys, state.values)
        x = torch.tanh(self.merge(torch.cat((x, seen), -1)))
"""
        if attends
        else None,
        f'''
        x = self.dropout(self.norm(x))
        return x.view(batch, lines, length, -1), state._replace(hidden=hidden)

    def reorder(self, state: State, rows: Tensor) -> State:
        """The state of these lines, counted over all images."""
        hidden = {moved}
        lines = state.lines * len(rows) // {size}
        return state._replace(lines=lines, hidden=hidden)
''',
    )


def _attends(decoder: Recurrent) -> bool:
    return decoder.attention != "none"


def _feeds(decoder: Recurrent) -> bool:
    return decoder.feature in ("feed", "both")
