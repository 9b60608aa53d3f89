"""The article end to end, as its command runs it."""

import io

import pytest
from rich.console import Console

import momentum.article as article
from momentum.article import data, regression, tables
from momentum.errors import UsageError


def printed(tmp_path, monkeypatch, **options):
    monkeypatch.setattr(data, "load", data.stand_in)
    console = Console(file=io.StringIO(), width=80)
    article.run(figures=None, console=console, **options)
    return console.file.getvalue()


def test_run_prints_every_number_of_the_article(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="trains in torch")
    text = printed(tmp_path, monkeypatch, seeds=1000)
    numbers = "-0.943467 -0.000073 -0.387814 -1673.365109 -0.062843 0.001202 0.007188 0.002553"
    numbers += " 0.245518 0.252046 0.242905 0.253280 0.042304 0.095708 0.073496 0.060247"
    numbers += " 0.3585 0.3679 0.2416879540 0.17368647 2.09848338"
    missing = [number for number in numbers.split() if number not in text]
    assert not missing
    assert "NO" not in text  # no digit of a trace differs
    assert "stand-in" in text
    assert "0.253280 (torch.optim.SGD, lr 0.004, momentum 0.9) is a rare draw" in text
    assert text.count("is an ordinary draw") == 3
    assert capsys.readouterr().err == ""  # no progress where nobody watches


def test_run_refuses_fewer_seeds_than_one(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="seeds = 0"):
        printed(tmp_path, monkeypatch, seeds=0)


def test_run_names_the_command_that_installs_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(article, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"pip install 'momentum-oracle\[torch\]'"):
        printed(tmp_path, monkeypatch, seeds=1)


def test_run_refuses_a_folder_that_cannot_be_made(tmp_path):
    pytest.importorskip("torch", reason="trains in torch")
    pytest.importorskip("matplotlib", reason="draws the figures")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match="cannot make the folder"):
        article.run(figures=blocked / "figures", seeds=1, console=Console(file=io.StringIO()))


def test_verdicts_leave_few_seeds_undecided():
    places = [regression.Place(0.242, 0.243, 0.25, 1, 10)] * 4
    assert all("too few" in line for line in tables.verdicts(places))
