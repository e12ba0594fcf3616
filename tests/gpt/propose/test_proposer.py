"""From a choice to a reply: which model, which snippets, how long the reply may be."""

from __future__ import annotations

from collections import Counter

from ab.gpt.feedback import Feedback
from ab.gpt.gate.finding import Finding
from ab.gpt.lemur.schema import read_code
from ab.gpt.plan import Plan
from ab.gpt.propose.llm.choose import Mixture
from ab.gpt.propose.proposer import Proposer
from tests.gpt.propose.conftest import Counting
from tests.gpt.propose.known import CONTRACT


def proposer(lemur, *llms: Counting, **plan: object) -> Proposer:
    return Proposer(lemur, CONTRACT, Plan(**plan), Mixture([(llm, 1.0 + 2 * n) for n, llm in enumerate(llms)]))


def test_models_are_asked_by_weight_and_a_candidate_always_gets_the_same(lemur):
    both = proposer(lemur, Counting(name="a"), Counting(name="b"), seed=3)
    names = [both.model_for(both.plan.choose(number)).name for number in range(400)]
    assert names == [both.model_for(both.plan.choose(number)).name for number in range(400)]
    assert 0.68 < Counter(names)["b"] / 400 < 0.82  # three to one


def test_a_candidate_always_gets_the_same_snippets(lemur):
    one = proposer(lemur, Counting(), snippets=(3,), baselines=("RESNETLSTM",), seed=1)
    first, second = one.plan.choose(0), one.plan.choose(1)
    assert one.snippets_for(first) == one.snippets_for(first)
    assert len(one.snippets_for(first)) == 3
    assert any(one.snippets_for(one.plan.choose(n)) != one.snippets_for(first) for n in range(1, 5)), second


def test_snippets_are_smaller_where_the_context_is_short(lemur):
    wide = proposer(lemur, Counting(65536), snippets=(5,), baselines=("RESNETLSTM",))
    tight = proposer(lemur, Counting(8192), snippets=(5,), baselines=("RESNETLSTM",))
    choice = wide.plan.choose(0)
    assert sum(s.tokens for s in tight.snippets_for(choice)) < sum(s.tokens for s in wide.snippets_for(choice))


def test_a_prompt_is_asked_with_the_plans_numbers_and_the_room_that_is_left(lemur):
    llm = Counting(8192)
    one = proposer(lemur, llm, snippets=(2,), baselines=("RESNETLSTM",), temperature=0.3, top_p=0.5, reply_tokens=6144)
    choice = one.plan.choose(0)
    code = read_code(lemur.code_dir("nn") / "RESNETLSTM.py")
    prompt = one.prompt(llm, choice, code, one.snippets_for(choice), Feedback())
    assert one.ask(llm, prompt, seed=9).text == "said"
    [asked] = llm.asked
    assert asked.messages == prompt.messages and asked.seed == 9 and asked.schema is None
    assert (asked.temperature, asked.top_p) == (0.3, 0.5)
    assert asked.max_tokens == 8192 - prompt.tokens >= 2560
    repair = one.repair(llm, "x = (\n", [Finding("S001", 1, "never closed")])
    one.ask(llm, repair, seed=10)
    assert llm.asked[-1].max_tokens == 6144
