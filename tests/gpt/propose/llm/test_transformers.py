"""Models by Transformers: a tiny one without sense does all that a model must do, and the embedded one a little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.errors import NNCaptionError
from ab.gpt.propose.llm.protocol import Message, ModelMissing
from ab.gpt.propose.llm.schema import misfit
from ab.gpt.propose.llm.transformers_llm import TransformersLLM
from tests.gpt.propose.llm.suite import ASKED, HELD, SCHEMA, ClosingSuite, LLMSuite, ask

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRICT = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TEMPLATE
THINKS = TEMPLATE.replace("assistant\n", "assistant\n<think>\n")


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Torch's threads wait for each other by spinning, which takes for ever beside other processes."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A model of one layer that reads and writes bytes, as a folder with safetensors."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<|im_end|>", bos_token="<|im_start|>")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=768, eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "tiny"
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Iterator[TransformersLLM]:
    pytest.importorskip("llguidance", reason="a schema is held to by the package llguidance")
    llm = TransformersLLM(str(tiny_folder), device="cpu", batch=3)
    yield llm
    llm.close()


class TestTransformers(LLMSuite, ClosingSuite):
    @pytest.fixture
    def llm(self, tiny) -> TransformersLLM:
        return tiny

    @pytest.fixture
    def fresh(self, tiny_folder) -> TransformersLLM:
        return TransformersLLM(str(tiny_folder), device="cpu")

    def test_it_is_named_after_its_folder_and_knows_its_context(self, llm, tiny_folder):
        assert llm.name == "tiny" and llm.context == 768
        assert TransformersLLM(str(tiny_folder), context=100).context == 100
        assert TransformersLLM(str(tiny_folder), context=10_000).context == 768

    def test_rows_of_a_batch_share_its_time(self, llm):
        done = list(llm.complete_many([replace(ASKED, seed=seed, max_tokens=4) for seed in range(3)]))
        assert len({one.seconds for one in done}) == 1 and all(one.tokens == 4 for one in done)

    def test_rows_of_different_lengths_do_not_disturb_each_other(self, llm):
        long = replace(ASKED, messages=(Message("user", "x" * 300),), max_tokens=9)
        short = replace(ASKED, max_tokens=30)
        assert [one.text for one in llm.complete_many([short, long])] == [ask(llm, short).text, ask(llm, long).text]

    def test_at_temperature_0_all_seeds_agree(self, llm):
        assert len({ask(llm, replace(ASKED, seed=seed, temperature=0.0)).text for seed in range(3)}) == 1

    def test_a_held_reply_costs_no_token_too_many(self, llm):
        done = ask(llm, replace(HELD, max_tokens=100))
        assert done.text == done.text.strip() and done.tokens <= len(done.text) + 1


def with_template(folder: Path, to: Path, template: str) -> TransformersLLM:
    """The tiny model with another chat template."""
    from transformers import AutoTokenizer

    to.mkdir()
    for file in folder.iterdir():
        if "token" not in file.name and "template" not in file.name:
            (to / file.name).symlink_to(file)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(to)
    return TransformersLLM(str(to), device="cpu")


def test_a_template_that_refuses_the_system_and_one_that_is_not_there(tiny_folder, tmp_path):
    strict, none = (
        with_template(tiny_folder, tmp_path / "strict", STRICT),
        with_template(tiny_folder, tmp_path / "no", ""),
    )
    assert strict.count(ASKED.messages) > strict.count(ASKED.messages[1:]) > 0
    assert none.count(ASKED.messages) > none.count(ASKED.messages[1:]) > 0
    assert ask(strict, ASKED).text and ask(none, ASKED).text


def test_thinking_that_the_template_begins_is_part_of_the_reply_but_not_of_json(tiny_folder, tmp_path):
    pytest.importorskip("llguidance", reason="a schema is held to by the package llguidance")
    llm = with_template(tiny_folder, tmp_path / "thinks", THINKS)
    pieces: list[str] = []
    assert ask(llm, ASKED, on_token=pieces.append).text.startswith("<think>\n") and pieces[0] == "<think>\n"
    assert misfit(ask(llm, replace(HELD, max_tokens=100)).text, SCHEMA) == ""


def test_four_bits_are_refused_where_they_cannot_be(tiny_folder):
    with pytest.raises(ModelMissing, match="4 bits"):
        ask(TransformersLLM(str(tiny_folder), device="cpu", four_bit=True), ASKED)


@pytest.mark.slow
def test_the_embedded_model_from_its_gguf_file(smollm_file, one_thread):
    pytest.importorskip("gguf", reason="Transformers reads GGUF files with the package gguf")
    pytest.importorskip("llguidance", reason="a schema is held to by the package llguidance")
    llm = TransformersLLM(str(smollm_file), device="cpu")
    asked = replace(ASKED, max_tokens=12)
    first, held = llm.complete_many([asked, replace(HELD, max_tokens=40)])
    assert llm.context == 8192 and first.tokens == 12 and first.text.isprintable()
    assert ask(llm, asked).text == first.text
    assert misfit(held.text, SCHEMA) == ""
    llm.close()


@pytest.mark.parametrize("source", ["no/such-model-anywhere", "nothing.gguf", "folder"])
def test_what_is_not_there_is_said(tmp_path: Path, source: str, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the variable is read on the import only
    (tmp_path / "folder").mkdir()
    place = source if "/" in source else str(tmp_path / source)
    with pytest.raises(NNCaptionError) as caught:
        _ = TransformersLLM(place).context
    assert source in caught.value.what and caught.value.way_out
