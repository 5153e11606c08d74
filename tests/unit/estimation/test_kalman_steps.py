"""The filters' steps against filterpy and against what can be written down."""

from __future__ import annotations

import numpy as np
import pytest
from filterpy.kalman import CubatureKalmanFilter, KalmanFilter
from soclab_services.estimation import linear, smoother, spkf
from soclab_services.estimation.bank import Filtered

SAME = 1e-9


def system(seed: int, n: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return F, diagonal of Q, x and P of a system drawn at random.

    F is what the filters' is: a first row and a diagonal.
    """
    rng = np.random.default_rng(seed)
    f = np.diag(rng.uniform(0.8, 1.0, n))
    f[0] = rng.normal(size=n)
    root = rng.normal(size=(n, n))
    return f, rng.uniform(0.01, 0.1, n), rng.normal(size=n), root @ root.T + np.eye(n)


@pytest.mark.parametrize("seed", range(5))
def test_steps_and_smoother_agree_with_filterpy(seed: int) -> None:
    f, q, x, p = system(seed)
    n = len(x)
    rng = np.random.default_rng(seed + 100)
    measured = rng.normal(size=30)
    h = rng.normal(size=n)
    theirs = KalmanFilter(dim_x=n, dim_z=1)
    theirs.x, theirs.P = x.reshape(-1, 1).copy(), p.copy()
    theirs.F, theirs.Q, theirs.H, theirs.R = f, np.diag(q), h[None, :], np.array([[0.3]])
    means, covariances, before, after, p_before, p_after = [], [], [], [], [], []
    for z in measured:
        theirs.predict()
        x = f @ x
        linear.predict_covariance(p, f[0], np.diag(f).copy(), q)
        before.append(x.copy())
        p_before.append(p.copy())
        theirs.update(z)
        linear.update(x, p, h, float(z - h @ x), 0.3)
        np.testing.assert_allclose(x, theirs.x[:, 0], rtol=SAME, atol=SAME)
        np.testing.assert_allclose(p, theirs.P, rtol=SAME, atol=SAME)
        after.append(x.copy())
        p_after.append(p.copy())
        means.append(theirs.x.copy())
        covariances.append(theirs.P.copy())
    smoothed = smoother.smooth(
        Filtered(
            *(np.array(part) for part in (before, after, p_before, p_after)),
            np.array([f[0]] * 30),
            np.array([np.diag(f)] * 30),
        )
    )
    xs, ps, _, _ = theirs.rts_smoother(np.array(means), np.array(covariances))
    np.testing.assert_allclose(smoothed.x, np.array(xs)[:, :, 0], rtol=SAME, atol=SAME)
    np.testing.assert_allclose(smoothed.p, ps, rtol=SAME, atol=SAME)


def test_a_constant_measured_often_has_the_mean_of_the_measurements() -> None:
    # prior N(0, 4), n measurements of variance 1: variance 1 / (1/4 + n), mean that times their sum
    measured = np.random.default_rng(1).normal(3.0, 1.0, 50)
    x, p = np.zeros(1), np.array([[4.0]])
    for z in measured:
        linear.update(x, p, np.ones(1), z - x[0], 1.0)
    variance = 1.0 / (0.25 + len(measured))
    assert p[0, 0] == pytest.approx(variance, abs=1e-12)
    assert x[0] == pytest.approx(variance * measured.sum(), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_sigma_points_agree_with_filterpy(seed: int) -> None:
    _, _, x, p = system(seed)
    n = len(x)

    def bent(state: np.ndarray) -> np.ndarray:
        return np.array([state[0] ** 2 + np.sin(state[1]) + state[2]])

    theirs = CubatureKalmanFilter(n, 1, 1.0, hx=bent, fx=lambda state, _: state)
    theirs.x, theirs.P, theirs.R = x.reshape(-1, 1).copy(), p.copy(), np.array([[0.5]])
    theirs.Q = np.zeros((n, n))
    theirs.predict()
    theirs.update(np.array([[2.0]]))
    spread = spkf.points(x, np.linalg.cholesky(p))
    expected = np.array([bent(point) for point in spread])
    far = 1e9  # no gate: filterpy has none
    spkf.take_in(x, p, spread, expected, 2.0, 0.5, far)
    np.testing.assert_allclose(x, np.ravel(theirs.x), rtol=SAME, atol=SAME)
    np.testing.assert_allclose(p, theirs.P, rtol=SAME, atol=SAME)
