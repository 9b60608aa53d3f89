"""Where the rows come from, and that the stand-in has the airfoil data's second moments."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from momentum.article import data, standin
from momentum.errors import UsageError

OPTIMUM = 0.2416879540
CURVATURE = (0.17368647, 0.66649573, 0.91805901, 1.00004461, 1.12616383, 2.09848338)
U = 2.0**-53

real = pytest.mark.skipif(
    not os.environ.get(data.VARIABLE), reason=f"{data.VARIABLE} names no folder with the data"
)
SMALL = b"1\t2\t3\t4\t5\t6\n2\t1\t0\t5\t3\t1\n9\t2\t6\t5\t3\t5\n"


def least_squares(rows):
    """Optimum by orthogonal factors of the rows: no normal equations, no moments."""
    columns = np.hstack([rows.features, np.ones((len(rows.targets), 1))])
    solution, *_ = np.linalg.lstsq(columns, rows.targets)
    return float(np.mean((columns @ solution - rows.targets) ** 2)) / 2


def assert_facts(rows):
    # Half a unit of the last printed digit; and rounding: sums of 1500 products of size below 50,
    # then a solve whose condition number is 2.1/0.17 < 13, are off by less than 10^-11.
    rounding = 1500 * 50 * 13 * U
    assert rounding < 1e-9
    assert f"{rows.optimum:.10f}" == f"{OPTIMUM:.10f}"
    assert abs(least_squares(rows) - OPTIMUM) <= 0.5e-10 + rounding
    for got, wanted in zip(rows.curvature, CURVATURE, strict=True):
        assert abs(got - wanted) <= 0.5e-8 + rounding


def test_stand_in_has_the_optimum_and_the_curvature_of_the_airfoil_data():
    rows = data.stand_in()
    assert rows.features.shape == (1500, 5)
    assert rows.targets.shape == (1500,)
    assert_facts(rows)
    assert "stand-in" in rows.origin


def test_stand_in_has_the_stored_moments_and_is_the_same_every_time():
    # Entries sum 1500 products of size below 50, each after two triangular products.
    assert np.max(np.abs(data.stand_in().moments - standin.moments())) <= 1500 * 50 * 4 * U
    assert np.array_equal(standin.rows(), standin.rows())


@real
def test_airfoil_data_has_the_optimum_and_the_curvature_of_the_facts():
    rows = data.load()
    assert "airfoil" in rows.origin
    assert "stand-in" not in rows.origin
    assert rows.features.shape == (1500, 5)
    assert_facts(rows)


@real
def test_airfoil_data_has_the_moments_that_the_stand_in_stores():
    # Both sum the same 1500 products below 50: one exactly, one in float64.
    assert np.max(np.abs(data.load().moments - standin.moments())) <= 1500 * 50 * U


@real
def test_load_takes_the_published_line_ends(tmp_path, monkeypatch):
    text = (Path(os.environ[data.VARIABLE]) / data.FILE).read_bytes().replace(b"\r\n", b"\n")
    published = text.replace(b"\n", b"\r\n")
    sha1 = hashlib.sha1(published, usedforsecurity=False).hexdigest()
    assert sha1 == "76e5be1548fd8222e5074cf0faae75edff8cf93f"
    (tmp_path / data.FILE).write_bytes(published)
    expected = data.load()
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    assert np.array_equal(data.load().features, expected.features)


def test_standardised_has_mean_zero_and_population_deviation_one():
    rows = data.standardised(b"1 0 2 3 5 1\n3 4 2.5 4 6 7\n", "two rows")
    assert rows.features.tolist() == [[-1.0] * 5, [1.0] * 5]
    assert rows.targets.tolist() == [-1.0, 1.0]


def test_loss_agrees_with_a_sum_over_the_rows():
    rows = data.standardised(SMALL, "three rows")
    theta = np.array([0.5, -1.0, 0.25, 2.0, 0.0, -0.5])
    residual = rows.features @ theta[:5] + theta[5] - rows.targets
    direct = float(np.mean(residual**2)) / 2
    # Both ways take fewer than 100 roundings of terms whose magnitudes sum to below 100.
    assert abs(float(rows.loss(theta)) - direct) <= 100 * 100 * U


@pytest.fixture
def small_is_the_data(monkeypatch):
    monkeypatch.setattr(data, "SHA256", hashlib.sha256(SMALL).hexdigest())


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.usefixtures("small_is_the_data")
def test_load_reads_the_named_folder_with_either_line_end(tmp_path, monkeypatch, ends):
    (tmp_path / data.FILE).write_bytes(SMALL.replace(b"\n", ends))
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    assert data.VARIABLE in data.load().origin


def test_load_refuses_a_named_folder_without_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match=data.FILE):
        data.load()


def test_load_refuses_another_file_of_that_name(tmp_path, monkeypatch):
    (tmp_path / data.FILE).write_bytes(SMALL)
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="checksum"):
        data.load()


@pytest.fixture
def net(tmp_path, monkeypatch):
    """No folder named, an empty cache, and a download that does what the test says."""
    pooch = pytest.importorskip("pooch", reason="pooch makes the download")
    monkeypatch.delenv(data.VARIABLE, raising=False)
    monkeypatch.setattr(data, "_cache", lambda: tmp_path / "cache")

    def serve(answer):
        def fetch(url, output_file, pooch):
            Path(output_file).write_bytes(answer())

        monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: fetch)

    return serve


def unreachable():
    raise ConnectionError("no route")


def test_load_falls_back_to_the_stand_in_without_a_network(net):
    net(unreachable)
    assert "stand-in" in data.load().origin


def test_load_falls_back_to_the_stand_in_when_the_download_is_another_file(net):
    net(lambda: b"moved\n")
    assert "stand-in" in data.load().origin


@pytest.mark.usefixtures("small_is_the_data")
def test_load_downloads_once_and_keeps_the_file_in_the_cache(net):
    net(lambda: SMALL.replace(b"\n", b"\r\n"))
    assert "cache" in data.load().origin
    net(unreachable)
    assert "cache" in data.load().origin
