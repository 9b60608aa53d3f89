"""Exceptions of any kind become ones that code can live with, in words that say what was raised."""

from pathlib import Path

import pytest

import momentum.errors
from momentum.arithmetic import format_of
from momentum.subjects.protocol import SubjectError
from momentum.subjects.strangers import in_words, tamed


class NoText(Exception):
    def __str__(self):
        raise self


class Interrupts(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class NumberForText(Exception):
    def __str__(self):
        return 3


class Endless(Exception):
    def __str__(self):
        return "x\n" * 10**6


class Nameless(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)


class NoClass(Exception):
    @property
    def __class__(self):
        raise RuntimeError

    @property
    def __traceback__(self):
        raise RuntimeError


class Liar(Exception):
    @property
    def __class__(self):
        return int


class Base(BaseException):
    def __str__(self):
        raise SystemExit


def caught(error):
    try:
        raise error
    except BaseException as raised:
        return raised


KINDS = [NoText, Interrupts, NumberForText, Endless, NoClass, Liar, Base, StopIteration,
         GeneratorExit, SystemExit]  # fmt: skip


@pytest.mark.parametrize(
    "kind", [*KINDS, None], ids=lambda kind: getattr(kind, "__name__", "NoName")
)
def test_tamed_says_what_was_raised_and_where(kind):
    if kind is None:  # nobody may look at it, pytest neither

        class NoName(Exception, metaclass=Nameless):
            pass

        kind = NoName
    ours = tamed(caught(kind()))
    assert type(ours) is SubjectError
    words = in_words(ours)
    assert words.startswith(f"raised {vars(type)['__name__'].__get__(kind)}")
    assert words.endswith("of test_strangers.py)") or kind is Endless
    assert len(words) <= 400
    assert "\n" not in words


def test_the_innermost_line_of_theirs_is_told():
    def inner():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as raised:
        inner()
    line = inner.__code__.co_firstlineno + 1
    assert in_words(raised.value) == f"raised ValueError: no (line {line} of test_strangers.py)"


def test_the_innermost_file_of_theirs_is_told():
    def outer(call):
        call()

    code = compile("def inner():\n    raise ValueError('no')", "/somewhere/kernel.py", "exec")
    space = {}
    exec(code, space)
    with pytest.raises(ValueError, match="no") as raised:
        outer(space["inner"])
    assert in_words(raised.value) == "raised ValueError: no (line 2 of kernel.py)"


def test_a_line_of_the_package_alone_is_nobody_elses():
    code = compile("raise ValueError('no')", momentum.errors.__file__, "exec")
    try:
        exec(code)
    except ValueError as error:
        raised = error.with_traceback(error.__traceback__.tb_next)
    assert in_words(raised) == "raised ValueError: no"


@pytest.mark.parametrize("file", ["momentum_more/kernel.py", "momentum/sgd/kernel.py"])
def test_a_line_of_what_is_tested_is_told_wherever_it_is(file):
    where = Path(momentum.errors.__file__).parents[1] / file
    with pytest.raises(ValueError, match="no") as raised:
        exec(compile("raise ValueError('no')", str(where), "exec"))
    assert in_words(raised.value) == "raised ValueError: no (line 1 of kernel.py)"


def test_the_line_that_calls_the_package_is_told_and_not_one_of_the_package():
    def asks():
        format_of("no such")

    with pytest.raises(ValueError, match="no such") as raised:
        asks()
    line = asks.__code__.co_firstlineno + 1
    assert in_words(raised.value).endswith(f" (line {line} of test_strangers.py)")


def test_one_failure_has_one_text_wherever_its_objects_lie():
    first, second = (in_words(caught(TypeError(f"no index: {object()!r}"))) for _ in range(2))
    assert first == second
    assert "no index: <object object> (line " in first


@pytest.mark.parametrize("error", [ValueError("no"), KeyError(3), OSError(2, "x"), SubjectError()])
def test_tamed_leaves_ordinary_errors_as_they_are(error):
    assert tamed(error) is error


def test_tamed_keeps_the_end_of_memory_and_of_patience():
    class NoMemory(MemoryError):
        def __str__(self):
            raise ValueError

    assert type(tamed(NoMemory())) is MemoryError
    interrupt = KeyboardInterrupt()
    assert tamed(interrupt) is interrupt
