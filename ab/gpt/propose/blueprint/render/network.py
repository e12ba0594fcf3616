"""A blueprint as a Net file: one text that depends on nothing but torch."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Backbone, Blueprint, Pooled, Recurrent
from ab.gpt.propose.blueprint.names import describe, family
from ab.gpt.propose.blueprint.render.backbone import backbone
from ab.gpt.propose.blueprint.render.decoding import decoding
from ab.gpt.propose.blueprint.render.encoder import own_encoder
from ab.gpt.propose.blueprint.render.memory import memory
from ab.gpt.propose.blueprint.render.recurrent import recurrent
from ab.gpt.propose.blueprint.render.text import Part, imports, lines
from ab.gpt.propose.blueprint.render.training import CHOSEN, constants, training
from ab.gpt.propose.blueprint.render.transformer import transformer

HYPERPARAMETERS = '''
def supported_hyperparameters() -> set[str]:
    """The hyper-parameters that LEMUR gives."""
    return {"lr", "momentum"}
'''


def render(blueprint: Blueprint) -> str:
    """The Net file of a settled blueprint: readable, formatted, and the same for the same blueprint."""
    kind, decoder, dropout = blueprint.encoder, blueprint.decoder, blueprint.dropout
    encoder = backbone(kind) if isinstance(kind, Backbone) else own_encoder(kind)
    if isinstance(decoder, Recurrent):
        decodes = recurrent(decoder, dropout)
    else:
        decodes = transformer(decoder, dropout, pooled=isinstance(blueprint.memory, Pooled))
    remembers = memory(blueprint.memory, encoder.width, decodes.width, dropout)
    limits, write = decoding(blueprint.decoding)
    classes = dict.fromkeys((*encoder.code, *remembers.code, *decodes.code))
    net = lines(_net(encoder, remembers, decodes), "", write, "", training(blueprint))
    body = "\n\n\n".join(part.strip("\n") for part in (HYPERPARAMETERS, *classes, CHOSEN, net))
    named = ["PAD, SOS, EOS, UNK = 0, 1, 2, 3", "NEVER_SAID = [PAD, SOS, UNK]", *limits, *constants(blueprint.training)]
    return "\n".join([_head(blueprint), "", imports(body), "", *named, "", "", body, ""])


def render_encoder(encoder: Backbone) -> str:
    """A module with the encoder alone, as it is in every network that has it."""
    body = "\n\n\n".join(part.strip("\n") for part in backbone(encoder).code)
    return "\n".join([imports(body), "", "", body, ""])


def _head(blueprint: Blueprint) -> str:
    ingredients = "\n".join(f"- {line}" for line in describe(blueprint))
    return (
        f'"""An image captioner of the family {family(blueprint)}, rendered from its blueprint.\n\n{ingredients}\n"""'
    )


def _net(encoder: Part, remembers: Part, decodes: Part) -> str:
    return f'''
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
        self.encoder = {encoder.build}
        self.memory = {remembers.build}
        self.decoder = {decodes.build}

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
'''
