"""How captions are written as code: methods of the network, and the constants that they read."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Beam, Greedy

GREEDY = '''
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
'''

BEAM = '''
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
'''


def decoding(how: Greedy | Beam) -> tuple[list[str], str]:
    """The constants and the method that writes captions."""
    constants = [f"LENGTH = {how.length}  # tokens of a caption, at most"]
    if isinstance(how, Beam):
        constants.append(f"BEAMS, PENALTY = {how.beams}, {how.penalty}  # scores are divided by length ** PENALTY")
        return constants, BEAM
    return constants, GREEDY
