"""Prompts hold all the parts, fit the model, and say what they had to leave out."""

from __future__ import annotations

import ast
import itertools
import json
import shutil

import pytest

from ab.gpt.feedback import Best, Failure, Feedback
from ab.gpt.gate.finding import Finding, Severity
from ab.gpt.NNCaption import main
from ab.gpt.propose import prompt as prompts
from ab.gpt.propose.blueprint.shape import EVERYTHING
from ab.gpt.propose.blueprint_prompt import blueprint_prompt
from ab.gpt.propose.code_prompt import code_prompt, code_version
from ab.gpt.propose.llm.llama_cpp import LlamaCpp
from ab.gpt.propose.llm.protocol import PromptTooLong
from ab.gpt.propose.repair_prompt import MOST_ERRORS, repair_prompt, repair_version
from tests.gpt.propose.conftest import Counting
from tests.gpt.propose.known import BASELINES, CONTRACT

FEEDBACK = Feedback(
    (
        Failure("T009", 3, "The logits have 32 as their last dimension.", "End in a linear layer."),
        Failure("diverged", 1, "The loss became NaN.", ""),
    ),
    Best("C5C-RESNETLSTM-abc", 0.1192, 0.105, ("+ SEBlock", "LSTMCell instead of GRU")),
)
REPLY = 2048


def code_of(installed_code, baseline: str = "RESNETLSTM") -> str:
    return (installed_code / f"{baseline}.py").read_text(encoding="utf-8")


def user(prompt) -> str:
    assert [message.role for message in prompt.messages] == ["system", "user"]
    return prompt.messages[1].content


def test_every_part_of_the_papers_prompt_is_there(installed_code, blocks):
    code = code_of(installed_code)
    prompt = code_prompt(Counting(65536), CONTRACT, "RESNETLSTM", code, blocks[:5], FEEDBACK, REPLY)
    text = user(prompt)
    assert "one complete Python file" in prompt.messages[0].content
    for function in CONTRACT.functions:
        assert function.signature in text and function.why in text
    for sentence in CONTRACT.sentences:
        assert sentence in text
    for said in (
        "drop its classification head", "[B, 1, H]", "nn.LSTM or nn.GRU", "nn.TransformerDecoderLayer", "vocab_size",
        "nn.SelfAttention", "label_smoothing=0.1", "ignore_index=0", "torch.optim.AdamW", "At least 3 changes",
        "Safe ones only", "BLEU",
    ):  # fmt: skip
        assert said in text, said
    for block in blocks[:5]:
        assert block.code.splitlines()[-1] in text
    assert code.strip() in text
    for said in ("BLEU 0.1192, the baseline 0.1050", "+ SEBlock", "3x T009", "last dimension. End in", "1x diverged"):
        assert said in text, said
    assert prompt.left_out == () and prompt.schema is None
    assert prompt.tokens == Counting().count(prompt.messages)
    assert "{{" not in text and "{%" not in text and "```-" not in text
    assert "\n\n\n" not in text.replace(code.strip(), "")


def test_what_is_not_there_has_no_heading(installed_code):
    text = user(code_prompt(Counting(65536), CONTRACT, "RESNETLSTM", code_of(installed_code), [], Feedback(), REPLY))
    assert "## Classifier blocks" not in text and "earlier attempts" not in text


@pytest.mark.parametrize("baseline", BASELINES)
def test_ten_snippets_fit_eight_thousand_tokens_and_fifty_are_cut_down(smollm, installed_code, blocks, baseline):
    code = code_of(installed_code, baseline)
    ten = code_prompt(smollm, CONTRACT, baseline, code, blocks[:10], Feedback(), 6144, 10)
    assert smollm.context == 8192 and smollm.count(ten.messages) == ten.tokens <= 8192 - 2560
    assert user(ten).count("\n```python\n# ") == 10 and not any("block of" in part for part in ten.left_out)
    fifty = code_prompt(smollm, CONTRACT, baseline, code, blocks, FEEDBACK, 6144, 50)
    assert smollm.count(fifty.messages) <= 8192 - 2560
    shown = user(fifty).count("\n```python\n# ")
    assert 5 < shown < 50 and sum("block of" in part for part in fifty.left_out) == 50 - shown
    assert "earlier attempts" in user(fifty)


@pytest.fixture(scope="module")
def smollm(smollm_file):
    pytest.importorskip("xllamacpp", reason="the embedded model needs the package xllamacpp")
    llm = LlamaCpp(smollm_file)
    yield llm
    llm.close()


def test_what_matters_least_goes_first(installed_code, blocks):
    code, said = code_of(installed_code), ""
    seen: list[tuple[str, ...]] = []
    for context in range(16000, 3000, -160):
        try:
            prompt = code_prompt(Counting(context), CONTRACT, "RESNETLSTM", code, blocks[:8], FEEDBACK, 512)
        except PromptTooLong as error:
            said = str(error)
            break
        assert prompt.tokens <= context - 512
        if not seen or prompt.left_out != seen[-1]:
            seen.append(prompt.left_out)
    assert seen[0] == () and all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(seen))
    first, *_ = seen[-1]
    order = list(seen[-1])
    assert first == "the baseline's comments" and order[-1] == "feedback"
    blocks_out = [part.removeprefix("the block of ") for part in order if "block of" in part]
    assert blocks_out == [block.model for block in reversed(blocks[:8])]
    assert order.index("advice") == order.index(f"the block of {blocks[5].model}") + 1
    assert "takes" in said and "fewer snippets" in said


def test_a_leaner_baseline_is_the_same_network(installed_code):
    code = code_of(installed_code, "ResNetTransformer")
    whole = Counting(65536)
    prompt = code_prompt(whole, CONTRACT, "x", code, [], Feedback(), REPLY)
    lean = code_prompt(Counting(prompt.tokens - 1200 + REPLY), CONTRACT, "x", code, [], Feedback(), REPLY)
    assert lean.left_out == ("the baseline's comments", "the baseline's unused code")
    shown = user(lean).partition("## Baseline")[2].partition("```python\n")[2].partition("```")[0]
    names = {node.name for node in ast.walk(ast.parse(shown)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert {function.name for function in CONTRACT.functions} <= names
    assert "batch_beam_search" in names and "beam_search_generate" not in names


def test_missing_snippets_are_said(installed_code, blocks):
    prompt = code_prompt(Counting(65536), CONTRACT, "x", code_of(installed_code), blocks[:3], Feedback(), REPLY, 5)
    assert prompt.left_out == ("2 of 5 blocks: LEMUR has no more that fit",)


def test_a_changed_template_or_contract_shows_in_the_version(monkeypatch, tmp_path):
    import dataclasses

    before = code_version(CONTRACT), repair_version(CONTRACT)
    assert before[0].startswith(f"code-{prompts.VERSION}-") and before == (
        code_version(CONTRACT),
        repair_version(CONTRACT),
    )
    assert code_version(dataclasses.replace(CONTRACT, sentences=("Be brief.",))) != before[0]
    monkeypatch.setattr(prompts, "TEMPLATES", shutil.copytree(prompts.TEMPLATES, tmp_path / "templates"))
    assert (code_version(CONTRACT), repair_version(CONTRACT)) == before
    with open(tmp_path / "templates" / "feedback.jinja", "a") as file:
        file.write("More.\n")
    assert code_version(CONTRACT) != before[0] and repair_version(CONTRACT) == before[1]


CODE = "\n".join(f"line_{number} = {number}" for number in range(1, 31)) + "\n"


def finding(code: str, line: int = 0, **more: object) -> Finding:
    return Finding(code, line, f"What is wrong by {code}.", **more)


def test_a_repair_shows_the_error_its_lines_and_the_rule(installed_code):
    error = finding("T009", 12, evidence="Traceback\n  in forward\nRuntimeError: 32")
    prompt = repair_prompt(Counting(), CONTRACT, CODE, [error, finding("C009", 3, severity=Severity.NOTE)], REPLY)
    text = user(prompt)
    assert "change only what the errors demand" in prompt.messages[0].content and "change nothing else" in text
    assert "T009, line 12: What is wrong by T009." in text
    assert CONTRACT.rule("T009").sentence in text and CONTRACT.rule("T009").advice in text
    assert ">  12 | line_12 = 12" in text and "   10 | line_10 = 10" in text and "    9 |" not in text
    assert "RuntimeError: 32" in text and CODE.strip() in text
    assert "C009" not in text and "def forward(self, images" in text
    assert prompt.left_out == () and prompt.version == repair_version(CONTRACT)


def test_a_repair_of_a_slip_needs_no_api():
    text = user(repair_prompt(Counting(), CONTRACT, "x = (\n", [finding("S001", 1)], REPLY))
    assert ">   1 | x = (" in text and "def forward" not in text


def test_a_reply_without_code_is_asked_to_become_a_file():
    text = user(repair_prompt(Counting(), CONTRACT, "I would use a GRU.", [finding("N001")], REPLY))
    assert "I would use a GRU." in text and "def forward(self, images" in text and CONTRACT.sentences[0] in text


def test_many_errors_and_long_code_are_cut_down_and_said():
    many = [finding("U001", n, evidence="E" * 2000) for n in range(1, MOST_ERRORS + 4)]
    prompt = repair_prompt(Counting(65536), CONTRACT, CODE, many, REPLY)
    assert prompt.left_out == (f"3 of {len(many)} errors",)
    assert user(prompt).count("What to do:") == MOST_ERRORS
    short = repair_prompt(Counting(prompt.tokens + 500), CONTRACT, CODE, many, 512)
    assert short.left_out[0] == "the tracebacks" and "EEE" not in user(short)
    with pytest.raises(PromptTooLong):
        repair_prompt(Counting(700), CONTRACT, CODE * 20, many, 64)


def test_the_command_prints_what_would_be_sent(lemur, monkeypatch, capsys):
    monkeypatch.setattr("ab.gpt.lemur.home.find_home", lambda *_: lemur)
    assert main(["prompt", "--snippets", "3", "--baseline", "ResNetTransformer", "--seed", "4"]) == 0
    shown = capsys.readouterr()
    assert (
        "──── system ────" in shown.out
        and "──── user ────" in shown.out
        and "## Baseline: ResNetTransformer" in shown.out
    )
    assert "Classifier blocks" in shown.err and "for the reply" in shown.err and "estimate" in shown.err
    assert main(["prompt", "--snippets", "3", "--baseline", "ResNetTransformer", "--seed", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["messages"][1]["content"].rstrip() in shown.out and told["version"] == code_version(CONTRACT)
    assert main(["prompt", "--snippets", "9", "--context", "7000"]) == 0
    said = capsys.readouterr().err
    assert "left out: the baseline's comments" in said and "of 9 blocks" in said
    assert main(["prompt", "--baseline", "Nobody"]) == 2 and "LEMUR has no model" in capsys.readouterr().err
    assert main(["prompt", "--context", "2000"]) == 1 and "fewer snippets" in capsys.readouterr().err


def blueprint(llm: Counting, code: str, snippets, **more: object):
    given = {"space": EVERYTHING, "seed": 5, "feedback": FEEDBACK, "wanted": REPLY, "asked": len(snippets), **more}
    return blueprint_prompt(llm, CONTRACT, code=code, snippets=snippets, **given)


def test_a_blueprint_is_asked_for_with_its_schema(installed_code, blocks):
    code = code_of(installed_code)
    prompt = blueprint(Counting(65536), code, blocks[:3])
    text = user(prompt)
    assert prompt.schema and prompt.left_out == () and prompt.version.startswith("blueprint-")
    assert "JSON" in text and "BLEU 0.1192" in text and blocks[2].code.strip().splitlines()[0] in text
    assert "class SpatialAttentionLSTMDecoder" in text and "EarlyStopping" not in text
    assert blueprint(Counting(65536), code, blocks[:3], seed=5) == prompt
    assert blueprint(Counting(65536), code, blocks[:3], seed=6).schema != prompt.schema
    assert blueprint(Counting(65536), code, blocks[:3], asked=7).left_out == (
        "4 of 7 blocks: LEMUR has no more that fit",
    )


def test_a_short_context_is_asked_briefly_for_a_blueprint(installed_code, blocks):
    llm = Counting(8192)
    prompt = blueprint(llm, code_of(installed_code), blocks[:10])
    assert prompt.tokens <= 2048 and prompt.left_out[0] == "the baseline's code"
    assert prompt.left_out[1:] == tuple(
        f"the block of {block.model}" for block in blocks[9 : 10 - len(prompt.left_out) : -1]
    )
    assert "BLEU 0.1192" in user(prompt)
