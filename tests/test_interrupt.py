"""Signals as a flag: which counts, what comes back afterwards, and when a user has waited long enough."""

import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ddpg.interrupt import BY_HAND, IMPATIENCE_S, OTHERS, SENT, SIGNALS, Interrupted, InterruptFlag, ending_at_once


@contextmanager
def handled(signum: signal.Signals) -> Iterator[tuple[Callable[[int, object], None], list[int]]]:
    """Give a signal a handler, and give that and the list of what it is called with."""
    called: list[int] = []

    def handler(number: int, frame: object) -> None:
        called.append(number)

    before = signal.signal(signum, handler)
    try:
        yield handler, called
    finally:
        signal.signal(signum, before)


@pytest.mark.parametrize("signum", SIGNALS)
def test_every_signal_that_would_end_the_process_is_a_flag(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with InterruptFlag() as flag, flag:
        signal.raise_signal(signum)
        with pytest.raises(Interrupted, match=signum.name) as caught:
            flag.check()
    assert caught.value.exit_code == 128 + signum
    assert signal.getsignal(signum) == before


@pytest.mark.parametrize("signum", OTHERS)
def test_a_timer_of_an_environment_stays_its_own(signum: signal.Signals) -> None:
    """Whether its handler was there before the training, or came in it."""
    with handled(signum) as (handler, called):
        with InterruptFlag() as flag:
            signal.raise_signal(signum)
        signal.signal(signum, signal.SIG_DFL)
        with flag:
            signal.signal(signum, handler)
        signal.raise_signal(signum)
        flag.check()
        assert called == [signum, signum]


def test_ctrl_c_ends_the_process_while_libraries_are_imported() -> None:
    with ending_at_once():
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with InterruptFlag() as flag, ending_at_once():
        signal.raise_signal(signal.SIGINT)
    assert flag.heard == {signal.SIGINT}


@pytest.mark.parametrize("signum", SENT)
def test_a_signal_is_a_flag(signum: signal.Signals) -> None:
    """A handler from before (submitit's) is not called, and is there again afterwards."""
    with handled(signum) as (handler, called):
        with InterruptFlag() as flag:
            flag.check()
            signal.raise_signal(signum)
            with pytest.raises(Interrupted, match=signum.name):
                flag.check()
        assert not called
        assert signal.getsignal(signum) is handler


def test_a_run_under_nohup_outlives_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with InterruptFlag() as flag:
            signal.raise_signal(signal.SIGHUP)
            flag.check()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("first", SENT)
def test_the_first_signal_gives_the_exit_code(first: signal.Signals) -> None:
    """In all orders of those that follow."""
    for others in itertools.permutations(set(SENT) - {first}):
        with InterruptFlag() as flag:
            for signum in (first, *others):
                signal.raise_signal(signum)
            with pytest.raises(Interrupted, match=first.name):
                flag.check()


def test_one_ctrl_c_that_comes_twice_at_once_is_one() -> None:
    with InterruptFlag() as flag:
        signal.raise_signal(signal.SIGINT)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:  # would end pytest
            pytest.fail("the second one is taken for another")
        with pytest.raises(Interrupted) as caught:
            flag.check()
    assert caught.value.exit_code == 130


@pytest.mark.parametrize("first", SIGNALS)
def test_a_later_ctrl_c_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, first: signal.Signals) -> None:
    now = [100.0]
    with monkeypatch.context() as patch, InterruptFlag() as flag:
        patch.setattr("ddpg.interrupt.time.monotonic", lambda: now[0])
        signal.raise_signal(first)
        now[0] += IMPATIENCE_S + 0.1
        for signum in set(SIGNALS).difference(BY_HAND):  # a cluster may repeat them as it likes
            signal.raise_signal(signum)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert flag.signum == first
