"""Models behind a server: a fake one as bad as servers can be, and llama.cpp's own."""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import replace

import pytest

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm.patience import Patience
from ab.gpt.propose.llm.protocol import STOPPED, BadAnswer, ModelDown
from ab.gpt.propose.llm.server import UNKNOWN_CONTEXT, Price, Server
from ab.gpt.propose.llm.wire import Wire, key_for
from tests.gpt.propose.llm import fake
from tests.gpt.propose.llm.fake import FakeServer, fake_server
from tests.gpt.propose.llm.suite import ASKED, HELD, LLMSuite, ask

QUICK = Patience(
    connect=1, first_token=0.5, token=0.4, total=3, tries=4, wait=0.02, longest_wait=0.1, longest_retry_after=2
)
KEY = "sk-secret-0123456789"


@pytest.fixture(scope="module")
def shared():
    with fake_server() as server:
        yield server


@pytest.fixture
def server(shared) -> FakeServer:
    shared.next.clear()
    shared.asked.clear()
    shared.headers.clear()
    shared.always, shared.key, shared.most_at_once = None, "", 0
    shared.models = [{"id": fake.MODEL, "max_model_len": 4096}]
    return shared


@pytest.fixture
def llm(server) -> Server:
    return Server(server.url, patience=QUICK)


class TestFake(LLMSuite):
    """The suite on a server that behaves."""

    @pytest.fixture
    def llm(self, server) -> Server:
        return Server(server.url, patience=replace(QUICK, first_token=30, token=30, total=60))

    def test_counting_is_an_estimate_where_the_server_has_no_tokenizer(self, llm):
        assert llm.count(ASKED.messages) == fake.prompt_tokens(
            {"messages": [{"content": message.content} for message in ASKED.messages]}
        )


@pytest.fixture(scope="module")
def llama_server(smollm_file):
    """The address of llama.cpp's own server with the embedded model."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="a real server needs the package xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(smollm_file)
    params.n_ctx, params.n_gpu_layers, params.n_parallel = 1024, 0, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = 0
    params.warmup = params.ui = False
    params.cache_ram_mib = 0
    params.api_keys = [KEY]
    held = xllamacpp.Server(params)
    yield held.listening_address
    del held


class TestLlamaCppOverHttp(LLMSuite):
    """The suite on llama.cpp's own server, which wants a key, with the embedded model."""

    waits = 120.0

    @pytest.fixture
    def llm(self, llama_server, monkeypatch) -> Server:
        monkeypatch.setenv("NNCAPTION_API_KEY", KEY)
        return Server(f"{llama_server}/v1", parallel=1)

    def test_it_knows_its_context_and_its_tokens(self, llm):
        assert llm.context == 1024
        assert llm.count(ASKED.messages) < 60  # an estimate would say more

    def test_a_seed_decides_whatever_was_asked_before(self, llm):
        # What the server keeps of another prompt changes its last bits; that it takes our seed is what counts here.
        one = replace(ASKED, temperature=1.5)
        ask(llm, one)
        assert ask(llm, one).text == ask(llm, one).text
        assert len({ask(llm, replace(one, seed=seed)).text for seed in range(4)}) > 1

    def test_several_come_in_their_order_and_are_what_each_alone_would_be(self, llm):
        asked = [replace(ASKED, seed=seed, max_tokens=4) for seed in range(3)] + [replace(HELD, max_tokens=48)]
        done = list(llm.complete_many(asked))
        assert [one.tokens for one in done[:3]] == [4, 4, 4] and done[3].answer.startswith("{")


def test_it_sends_what_it_was_asked_and_no_key_unless_there_is_one(server, llm, monkeypatch):
    monkeypatch.delenv("NNCAPTION_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    llm = Server(server.url, patience=QUICK)
    ask(llm, replace(ASKED, seed=(1 << 31) + 5))
    [body] = server.asked
    assert body["model"] == fake.MODEL and body["seed"] == 5 and body["max_tokens"] == 24
    assert body["temperature"] == 0.9 and body["top_p"] == 0.95 and "response_format" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert not any("Authorization" in headers for headers in server.headers)


@pytest.mark.parametrize(
    "trouble",
    [
        fake.status(429), fake.status(500), fake.status(503, b"<html>down</html>", kind="text/html"),
        fake.cut(0), fake.cut(2), fake.stalls(1.0), fake.slow(1.2),
        fake.raw(b"nonsense"), fake.raw(b"nonsense", "text/plain"), fake.raw(b"[1, 2]"), fake.raw(b"{}"),
        fake.raw(b"\xff\xfe\x00", "text/event-stream"), fake.raw(b""), fake.raw(b"[" * 100_000),
        fake.events(b"nonsense"), fake.events([1]), fake.events({"error": {"message": "out of memory"}}),
        fake.events({"choices": []}, b"[DONE]"), fake.events(b"[DONE]"),
        fake.events({"choices": [{"delta": {"content": "half"}}]}, b"[DONE]"),
        fake.events({"choices": "x"}), fake.events({"choices": [1]}), fake.events({"choices": [{"delta": 5}]}),
        fake.events({"choices": [{"delta": {"content": ["x"]}}]}),
    ],
)  # fmt: skip
def test_passing_trouble_is_got_over(server, llm, trouble):
    _ = llm.model
    server.next.extend([trouble, trouble])
    done = ask(llm, ASKED)
    assert done.text == "".join(fake.text_of(server.asked[-1])) and len(server.asked) == 3


@pytest.mark.parametrize("trouble", [fake.status(500), fake.cut(1), fake.raw(b"nonsense"), fake.stalls(1.0)])
def test_a_server_that_stays_down_ends_the_run_with_a_reason(server, llm, trouble):
    _ = llm.model
    server.always = trouble
    with pytest.raises(ModelDown) as caught:
        ask(llm, ASKED)
    assert len(server.asked) == QUICK.tries and "in 4 tries" in str(caught.value)
    assert "server runs" in caught.value.way_out


def test_a_server_that_is_not_there(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = Server(f"http://127.0.0.1:{port}/v1", "m", patience=QUICK)
    with pytest.raises(ModelDown, match="refused|failed"):
        ask(gone, ASKED)
    with pytest.raises(ModelDown):
        _ = Server(f"http://127.0.0.1:{port}/v1", patience=QUICK).context


def test_a_reply_without_end_is_ended(server):
    llm = Server(server.url, patience=replace(QUICK, total=0.6, tries=1))
    server.always = fake.drips
    with pytest.raises(ModelDown, match=r"not done after 0\.6 s"):
        ask(llm, ASKED)


def test_retry_after_is_kept(server, llm):
    _ = llm.model
    server.next.extend([fake.status(429, Retry_After="0.4"), fake.status(503, Retry_After="nonsense")])
    started = time.monotonic()
    assert ask(llm, ASKED).text
    assert 0.4 <= time.monotonic() - started < 5
    server.always = fake.status(429, Retry_After="4000")
    with pytest.raises(ModelDown, match="left alone for 4000 s"):
        ask(llm, ASKED)


def test_what_will_not_pass_is_not_asked_again(server, llm):
    _ = llm.model
    for code, way_out in ((400, "log"), (401, "NNCAPTION_API_KEY"), (403, "NNCAPTION_API_KEY"), (404, "address")):
        server.asked.clear()
        server.next.append(fake.status(code))
        with pytest.raises(ModelDown) as caught:
            ask(llm, ASKED)
        assert len(server.asked) == 1 and way_out in caught.value.way_out and str(code) in caught.value.what


def test_a_server_that_ignores_schemas_is_asked_once_more_and_told_why(server, llm):
    server.next.append(fake.says('Sure! {"kind": "lstm"}'))
    done = ask(llm, HELD)
    assert done.answer == '{"kind": "gru", "width": 640}' and len(server.asked) == 2
    told = server.asked[1]["messages"]
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert "not JSON" in told[-1]["content"] and '"width"' in told[-1]["content"]
    assert done.tokens == 8 and done.prompt_tokens > 10
    server.always = fake.says('{"kind": "tcn", "width": 640}')
    with pytest.raises(BadAnswer, match="tcn") as caught:
        ask(llm, HELD)
    assert caught.value.completion.tokens == 10 and "schema" in caught.value.way_out


def test_a_schema_reply_that_ran_out_of_room_is_no_bad_answer(server, llm):
    def short(handler, body):
        handler.begin_stream()
        handler.piece(content='{"kind"')
        handler.end("length")

    server.always = short
    assert ask(llm, HELD).finish_reason == "length"


def test_thinking_is_kept_in_front(server, llm):
    server.always = fake.thinking
    pieces: list[str] = []
    done = ask(llm, HELD, on_token=pieces.append)
    assert done.text == '<think>\nFirst think.\n</think>\n\n{"kind": "gru", "width": 640}' == "".join(pieces)
    assert done.answer == '{"kind": "gru", "width": 640}'


def test_a_server_that_neither_streams_nor_counts(server, llm):
    server.always = fake.whole
    done = ask(llm, ASKED)
    assert done.text and done.tokens >= 1 and done.prompt_tokens == llm.count(ASKED.messages)


def test_costs(server):
    llm = Server(server.url, price=Price(2.0, 10.0), patience=QUICK)
    done = ask(llm, ASKED)
    assert done.cost > 0 and done.cost == pytest.approx((done.prompt_tokens * 2 + done.tokens * 10) / 1e6)
    server.next.append(fake.says("no"))
    both = ask(llm, HELD)
    assert both.cost == pytest.approx((both.prompt_tokens * 2 + both.tokens * 10) / 1e6)
    assert ask(Server(server.url, patience=QUICK), ASKED).cost == 0


def test_many_go_together_and_come_in_order(server):
    llm = Server(server.url, patience=QUICK, parallel=4)
    server.always = fake.slow(0.1)
    asked = [replace(ASKED, seed=seed) for seed in range(9)]
    done = list(llm.complete_many(iter(asked)))
    assert [one.text for one in done] == ["".join(fake.text_of({"seed": s, "max_tokens": 24})) for s in range(9)]
    assert 1 < server.most_at_once <= 4


def test_giving_up_on_many_asks_no_more(server):
    llm = Server(server.url, patience=QUICK, parallel=2)
    server.always = fake.slow(0.05)
    replies = llm.complete_many(replace(ASKED, seed=seed) for seed in range(1000))
    next(replies)
    replies.close()
    time.sleep(0.3)
    before = len(server.asked)
    time.sleep(0.2)
    assert len(server.asked) == before < 10


@pytest.mark.parametrize("trouble", [fake.slow(5), fake.stalls(5), fake.status(429, Retry_After="1.9"), fake.drips])
def test_stop_is_heard_at_once_whatever_the_server_does(server, trouble):
    llm = Server(server.url, fake.MODEL, patience=replace(QUICK, first_token=60, token=60, total=60, tries=50))
    server.always = trouble
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()
    assert ask(llm, ASKED, stop=stop).finish_reason == STOPPED
    assert time.monotonic() - started < 2


def test_the_model_is_named_where_the_server_has_several(server):
    server.models = [{"id": "a"}, {"id": "b"}]
    with pytest.raises(UsageError, match="a, b") as caught:
        _ = Server(server.url, patience=QUICK).model
    assert "#NAME" in caught.value.way_out
    assert Server(server.url, "b", patience=QUICK).context == UNKNOWN_CONTEXT
    assert Server(server.url, "b", patience=QUICK, context=77).context == 77
    server.models = "nonsense"
    with pytest.raises(ModelDown, match="cannot be understood"):
        _ = Server(server.url, patience=QUICK).model


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@host/v1",
        "http://host/v1?key=hunter2",
        "ftp://host",
        "http://",
        "http://host:99999/v1",
        "http://:80",
    ],
)
def test_addresses_that_cannot_be_or_hold_secrets_are_refused(url):
    with pytest.raises(UsageError) as caught:
        Server(url, "m")
    assert "hunter2" not in str(caught.value)


def test_the_key_is_sent_and_shown_nowhere(server, monkeypatch, caplog):
    monkeypatch.setenv("NNCAPTION_API_KEY", KEY)
    server.key = KEY
    llm = Server(server.url, patience=QUICK)
    with caplog.at_level(logging.DEBUG):
        assert ask(llm, ASKED).text
        assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
        server.key = "another"  # whose refusal repeats the key that it was given
        said = []
        for behaviour in (fake.good, fake.status(500, {"error": f"bad key {KEY}"}), fake.raw(KEY.encode())):
            server.always = behaviour
            server.key = "another" if behaviour is fake.good else ""
            with pytest.raises(ModelDown) as caught:
                ask(llm, ASKED)
            said.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.way_out}")
        server.always = fake.events({"error": f"the key {KEY} is out of credit"})
        with pytest.raises(ModelDown) as caught:
            ask(llm, ASKED)
        said.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
    shown = [
        *said,
        caplog.text,
        repr(llm),
        str(llm),
        repr(vars(llm)),
        repr(llm._wire),
        str(Wire(server.url, QUICK, KEY)),
    ]
    assert not [text for text in shown if KEY in text]
    assert any("***" in text for text in said)


def test_openais_key_goes_only_where_nobody_listens_in(monkeypatch):
    monkeypatch.delenv("NNCAPTION_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-o")
    assert [key_for(url) for url in ("https://api.openai.com/v1", "http://localhost:1/v1", "http://127.0.0.1/v1")] == [
        "sk-o"
    ] * 3
    assert [
        key_for(url) for url in ("http://example.org/v1", "http://10.0.0.1/v1", "http://localhost.evil.org/v1")
    ] == [""] * 3
    monkeypatch.setenv("NNCAPTION_API_KEY", " sk-n\n")
    assert key_for("http://example.org/v1") == "sk-n"
    monkeypatch.setenv("NNCAPTION_API_KEY", "sk-\x01")
    with pytest.raises(UsageError, match="characters") as caught:
        Server("http://example.org/v1", "m")
    assert "sk-" not in str(caught.value)
