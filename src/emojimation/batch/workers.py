"""Work spread over processes, in order and with flat memory, which survives the death of a process."""

import faulthandler
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from emojimation.errors import InputError

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 4  # pieces per process that are started ahead
ORPHAN_S = 1.0
_REFUSED: list[InputError] = []  # why this process cannot work


class Workers(Generic[T, R]):
    """Processes that each call `start(*args)` once and then `work(piece)` for pieces of several things.

    work: list of things -> list of answers, one for each. lost: the answer for a thing that kills a process even when
    processed alone. count: of processes. start and work must be module-level functions.
    """

    def __init__(
        self,
        count: int,
        start: Callable[..., None],
        args: tuple,
        work: Callable[[list[T]], list[R]],
        lost: Callable[[T], R],
    ):
        self._count, self._start, self._args, self._work, self._lost = count, start, args, work, lost

    def answers(self, pieces: Iterable[list[T]]) -> Iterator[list[R]]:
        """The answers for each piece, in order. Raises InputError if no process can be started.

        If a process dies, the pieces in progress are repeated, one thing at a time, to find the culprit.
        """
        pool = self._pool(self._count)
        try:
            waiting: deque[tuple[list[T], Future[list[R]] | None]] = deque()
            for piece in pieces:
                waiting.append((piece, _submitted(pool, self._work, piece)))
                if len(waiting) > AHEAD * self._count:
                    pool, answer = self._first(waiting, pool)
                    yield answer
            while waiting:
                pool, answer = self._first(waiting, pool)
                yield answer
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _first(
        self, waiting: deque[tuple[list[T], "Future[list[R]] | None"]], pool: ProcessPoolExecutor
    ) -> tuple[ProcessPoolExecutor, list[R]]:
        piece, future = waiting.popleft()
        try:
            if future is not None:
                return pool, future.result()
        except BrokenProcessPool:
            pass
        # Everything pending broke with it and goes to a new pool once this piece is done one by one.
        pool.shutdown(wait=True)
        answer = self._careful(piece)
        pool = self._pool(self._count)
        rest = [
            (other, done if done is not None and _is_whole(done) else _submitted(pool, self._work, other))
            for other, done in waiting
        ]
        waiting.clear()
        waiting.extend(rest)
        return pool, answer

    def _careful(self, piece: list[T]) -> list[R]:
        """One thing at a time, so that each death costs one answer."""
        answers: list[R] = []
        pool = self._pool(1)
        for thing in piece:
            try:
                answers += pool.submit(self._work, [thing]).result()
            except BrokenProcessPool:
                answers.append(self._lost(thing))
                pool.shutdown(wait=True)
                pool = self._pool(1)
        pool.shutdown(wait=True)
        return answers

    def _pool(self, count: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
        pool = ProcessPoolExecutor(count, context, _begin, (os.getpid(), self._start, self._args))
        try:
            pool.submit(_check).result()
        except BrokenProcessPool as error:
            raise InputError("Expected to start processes, but they end at once. Is there enough memory?") from error
        return pool


def _submitted(pool: ProcessPoolExecutor, work: Callable[..., Any], piece: list[T]) -> "Future[Any] | None":
    try:
        return pool.submit(work, piece)
    except BrokenProcessPool:
        return None


def _is_whole(future: "Future[Any]") -> bool:
    return future.done() and not future.cancelled() and not isinstance(future.exception(), BrokenProcessPool)


def _begin(parent: int, start: Callable[..., None], args: tuple) -> None:
    """parent: its process id, passed by itself because it may be gone before this process could ask for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        start(*args)
    except InputError as error:  # raised in an initializer it would only break the pool
        _REFUSED.append(error)


def _check() -> None:
    if _REFUSED:
        raise _REFUSED[0]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer, even if it hangs in a system call or in a decoder."""
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, even if that was killed."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_S)
    os._exit(1)
