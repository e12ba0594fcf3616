"""How a network learns as code: the two methods that LEMUR calls for it, and the constants that they read."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Backbone, Blueprint, Training
from ab.gpt.propose.blueprint.render.text import lines

SLOWER = 0.1
"""What a pretrained encoder learns at, as a share of the rest."""

OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "nadam": "NAdam", "radam": "RAdam"}
FUSED = ("adamw", "adam")
"""Done in one pass over the weights, also on a CPU."""

CHOSEN = '''
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
'''

PACES = {
    "constant": ("A share of LEMUR's learning rate: it rises, then stays.", "return warm"),
    "cosine": (
        "A share of LEMUR's learning rate: it falls and starts anew after 1, 3 and 7 epochs.",
        """
        cycle = 2 ** int(math.log2(epochs + 1))
        part = (epochs + 1 - cycle) / cycle
        return warm * (0.51 + 0.49 * math.cos(math.pi * part))
""",
    ),
    "sqrt": (
        "A share of LEMUR's learning rate: it rises, then falls with the root of the time.",
        "return warm * (1 + max(0.0, epochs - WARMUP)) ** -0.5",
    ),
    "stairs": (
        "A share of LEMUR's learning rate: it rises, then falls by a fifth every epoch.",
        "return warm * max(0.02, 0.8 ** int(epochs))",
    ),
}


def constants(training: Training) -> list[str]:
    """The constants that the methods read."""
    captions = "one of an image's captions" if training.captions == 1 else "of an image's captions"
    return [
        f"CAPTIONS = {training.captions}  # {captions} in one step",
        f"WARMUP = {training.warmup}  # epochs in which the learning rate rises",
        f"SMOOTHING, CLIP = {training.smoothing}, {training.clip}",
    ]


def training(blueprint: Blueprint) -> str:
    """The methods `train_setup` and `learn`, and the one that the learning rate follows."""
    how, encoder = blueprint.training, blueprint.encoder
    slower = isinstance(encoder, Backbone) and encoder.weights == "imagenet" and encoder.trained != "frozen"
    return lines(
        _setup(how, encoder, slower),
        "",
        _pace(how.schedule),
        "",
        '''
    def learn(self, train_data: DataLoader) -> None:
        """Learns for one epoch. An image is looked at once for all captions of a step."""
        self.train()
        for step, (images, captions) in enumerate(train_data):
            captions = chosen(captions.to(self.device))
            words, targets = captions[..., :-1], captions[..., 1:]
            said = targets != PAD
            if not said.any():
                continue
''',
        """
            half = self.half or torch.is_autocast_enabled(self.device.type)
            with torch.autocast(self.device.type, torch.bfloat16, half):
                logits = self.read(images.to(self.device), words, said)
            loss = self.criterion(logits.float(), targets[said])
"""
        if how.amp
        else """
            logits = self.read(images.to(self.device), words, said)
            loss = self.criterion(logits, targets[said])
""",
        """
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), CLIP)
            pace = self.pace(self.epochs + (step + 0.5) / len(train_data))
            for group in self.optimizer.param_groups:
""",
        f"""
                group["lr"] = self.rate * {'group["share"] * ' if slower else ""}pace
            self.optimizer.step()
        self.epochs += 1
""",
    )


def _setup(how: Training, encoder: object, slower: bool) -> str:
    fused = ", fused=True" if how.optimizer in FUSED else ""
    frozen = isinstance(encoder, Backbone) and encoder.trained == "frozen"
    parameters = "learning" if slower or frozen else "self.parameters()"
    return lines(
        '''
    def train_setup(self, prm: dict) -> None:
        """Makes the loss and the optimizer; LEMUR's momentum is its first beta."""
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=SMOOTHING)
        self.rate, self.epochs = float(prm["lr"]), 0
        betas = (min(float(prm["momentum"]), 0.99), 0.999)
''',
        """
        learning = [
            {"params": [*self.memory.parameters(), *self.decoder.parameters()], "share": 1.0},
            {"params": [p for p in self.encoder.parameters() if p.requires_grad], "share": SLOWER},
        ]
""".replace("SLOWER", str(SLOWER))
        if slower
        else "        learning = [*self.memory.parameters(), *self.decoder.parameters()]"
        if frozen
        else None,
        f"        self.optimizer = torch.optim.{OPTIMIZERS[how.optimizer]}({parameters}, self.rate, betas{fused})",
        """
        cuda = self.device.type == "cuda"
        self.half = cuda and torch.cuda.is_bf16_supported()
"""
        if how.amp
        else None,
    )


def _pace(schedule: str) -> str:
    what, returned = PACES[schedule]
    return lines(
        f'''
    def pace(self, epochs: float) -> float:
        """{what}"""
        warm = min(1.0, epochs / WARMUP)
''',
        returned if "\n" in returned else f"        {returned}",
    )
