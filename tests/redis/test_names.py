"""Key names, ids of entries, and errors as the core sees them."""

import pytest

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import FencedError
from eventbus_redis import stream_ids
from eventbus_redis.faults import LinkLostError, ReplyError, is_group_gone, mapped
from eventbus_redis.keys import Keys, escape, split_token, token

NAMES = ["a", "a:b", "a%3Ab", "a%b", "ä", "a.b", "a/b", "A", "~", "a-b", "a_b", "日本", "a|b"]


def test_different_names_have_different_keys() -> None:
    keys = Keys("bus")
    pairs = [(event, group) for event in NAMES for group in NAMES]
    made = [keys.work(event, group).due for event, group in pairs]
    made += [keys.work_stream(event) for event in NAMES]
    made += [keys.work_counts(event) for event in NAMES]
    made += [key for name in NAMES for key in (keys.inbox(name).stream, keys.inbox(name).due)]
    made += [keys.attempts(name) for name in NAMES] + [keys.channels(name) for name in NAMES]
    made += [*keys.shared(), keys.lock, keys.dead, keys.answered]
    assert len(set(made)) == len(made)
    assert len({Keys(name).prefix for name in NAMES}) == len(NAMES)


def test_all_keys_of_a_bus_are_in_one_slot() -> None:
    keys = Keys("b:u%s")
    for key in [*keys.shared(), keys.dead, keys.work("e}{", "g").due, keys.inbox("{x}").stream]:
        assert key.startswith("eventbus:{b%3Au%25s}:")
        assert key.count("{") == key.count("}") == 1


def test_escaping_leaves_nothing_that_separates() -> None:
    assert not set(escape("".join(map(chr, range(33, 0x500))))) & set(":{} *")


def test_tokens() -> None:
    assert split_token(token("user:created", "mail")) == ("user:created", "mail")


def test_ids_sort_like_their_positions() -> None:
    ids = [b"0-0", b"0-1", b"9-9", b"10-0", b"10-10", b"10-18446744073709551615", b"11-0"]
    assert sorted(ids, key=stream_ids.position) == ids
    assert [stream_ids.from_position(stream_ids.position(each)) for each in ids] == ids
    texts = [stream_ids.sortable(each) for each in ids[:5]]
    assert sorted(texts) == texts
    assert [stream_ids.from_sortable(each) for each in texts] == ids[:5]
    assert stream_ids.after(b"10-18446744073709551615") == b"11-0"
    assert stream_ids.minus_ms(b"100-7", 30) == b"70-0"


@pytest.mark.parametrize("text", ["", "x", "1", "1-", "-1", "a-1", "1-b", "1-²"])
def test_a_text_that_is_no_id(text: str) -> None:
    assert stream_ids.from_sortable(text) is None


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("NOPERM this user has no permissions to run the 'xadd' command", "permission"),
        ("READONLY You can't write against a read only replica.", "replica"),
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("MISCONF Redis is configured to save RDB snapshots", "log"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "maxmemory"),
        ("MASTERDOWN Link with MASTER is down", "primary"),
        ("NOAUTH Authentication required.", "password"),
        ("ERR Error running script (call to f_1): @user_script:9: -READONLY You", "replica"),
        ("ERR something nobody expected", "something nobody expected"),
    ],
)
def test_errors_of_the_server_say_what_to_do(text: str, advice: str) -> None:
    fault = mapped(ReplyError(text), "redis://h:1/0")
    assert isinstance(fault, TransportUnavailableError)
    assert advice in str(fault)


def test_an_error_never_repeats_arguments() -> None:
    text = "ERR unknown command 'X', with args beginning with: 'secret' "
    assert "secret" not in str(mapped(ReplyError(text), "h"))


def test_other_faults() -> None:
    assert isinstance(mapped(LinkLostError("gone"), "h"), TransportUnavailableError)
    assert isinstance(mapped(ReplyError("FENCED x"), "h"), FencedError)
    assert isinstance(
        mapped(ReplyError("FENCED x script: 1, on @user_script:3."), "h"), FencedError
    )
    assert is_group_gone(ReplyError("NOGROUP No such key"))
    assert is_group_gone(ReplyError("UNBLOCKED the stream key no longer exists"))
    assert not is_group_gone(ReplyError("UNBLOCKED force unblock, instance state changed"))
