"""From a choice to a reply: the prompt is built for the model that is asked, and fits it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from ab.gpt.feedback import Feedback
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.schema import read_code
from ab.gpt.plan import Choice, Plan, derived
from ab.gpt.propose.blueprint.at_hand import space_asked, space_at_hand
from ab.gpt.propose.blueprint.propose import Unthinking
from ab.gpt.propose.blueprint.shape import Space
from ab.gpt.propose.blueprint_prompt import blueprint_prompt
from ab.gpt.propose.code_prompt import code_prompt, room_for_snippets
from ab.gpt.propose.llm.choose import Mixture
from ab.gpt.propose.llm.protocol import LLM, Completion, OnToken
from ab.gpt.propose.prompt import Prompt
from ab.gpt.propose.repair_prompt import repair_prompt
from ab.gpt.propose.snippets import Snippet, sample
from ab.gpt.propose.snippets.sample import USUAL_TOKENS

_BOUNDS = 170, USUAL_TOKENS
"""Of one snippet on average, at least and at most; where not even the least fits, snippets are left out."""
_FRAME_TOKENS = 25
"""What stands around each snippet."""
_IDEA_TOKENS = 200
"""Of one snippet beside a blueprint: an idea, and no code to be copied."""


@dataclass(frozen=True)
class Proposer:
    """Knows the models, the classifiers to show, and how to ask."""

    home: Home
    contract: Contract
    plan: Plan
    models: Mixture

    def model_for(self, choice: Choice) -> LLM:
        """The model that is to propose the candidate: each as often as its weight says."""
        return self.models.pick(self.plan.random("model", choice.number))

    def prefix_for(self, llm: LLM, choice: Choice) -> str:
        """The family's prefix: what no model has proposed says so itself."""
        if isinstance(llm, Unthinking):
            return f"{llm.family}-{choice.prefix.partition('-')[2]}"
        return choice.prefix

    @property
    def space(self) -> Space:
        """The blueprints that were asked for and can be trained here."""
        return space_at_hand(self.plan.train.pretrained, asked=self.asked)

    @property
    def asked(self) -> Space:
        """The blueprints that were asked for."""
        return space_asked(self.plan.encoders, self.plan.frozen, self.plan.light)

    def snippets_for(self, choice: Choice) -> list[Snippet]:
        """The classifiers that the candidate's prompt shows; who draws by chance is shown none."""
        if isinstance(self.model_for(choice), Unthinking):
            return []
        seed = derived(self.plan.seed, "snippets", choice.number)
        return sample(self.home, choice.n, seed, leave_out=choice.baseline, budget_tokens=self._budget(choice))

    def _budget(self, choice: Choice) -> int:
        """How many tokens the snippets may have together: what the model has room for, between bounds for each."""
        if choice.mode == "blueprint":
            return _IDEA_TOKENS * choice.n
        code = read_code(self.home.code_dir("nn") / f"{choice.baseline}.py")
        room = room_for_snippets(self.model_for(choice), self.contract, choice.baseline, code, self.plan.reply_tokens)
        room -= _FRAME_TOKENS * choice.n
        return min(max(room, _BOUNDS[0] * choice.n), _BOUNDS[1] * choice.n)

    def prompt(
        self, llm: LLM, choice: Choice, baseline_code: str, snippets: Sequence[Snippet], feedback: Feedback
    ) -> Prompt:
        """What the model is asked for a new network."""
        if isinstance(llm, Unthinking):
            return Prompt((), llm.name)
        if choice.mode == "blueprint":
            return blueprint_prompt(
                llm, self.contract, self.space, derived(choice.seed, "idea"), baseline_code, snippets, feedback,
                self.plan.reply_tokens, choice.n, self.plan.narrow,
            )  # fmt: skip
        return code_prompt(
            llm, self.contract, choice.baseline, baseline_code, snippets, feedback, self.plan.reply_tokens, choice.n
        )

    def ask(
        self,
        llm: LLM,
        prompt: Prompt,
        seed: int,
        on_token: OnToken | None = None,
        stop: threading.Event | None = None,
    ) -> Completion:
        """The model's reply: as long as was planned, or as there is room for behind the prompt."""
        room = llm.context - (prompt.tokens or llm.count(prompt.messages))
        return llm.complete(
            prompt.messages,
            schema=prompt.schema,
            seed=seed,
            max_tokens=max(1, min(self.plan.reply_tokens, room)),
            temperature=self.plan.temperature,
            top_p=self.plan.top_p,
            on_token=on_token,
            stop=stop,
        )

    def repair(self, llm: LLM, code: str, findings: Sequence[Finding]) -> Prompt:
        """What the model is asked to mend a network."""
        return repair_prompt(llm, self.contract, code, findings, self.plan.reply_tokens)
