"""Generated regression data with the second moments of the airfoil data, for want of the file.

Least squares sees nothing but second moments: the optimum, the curvature and the expected
trajectory of full-batch descent are those of the airfoil data. What depends on single rows, the
noise of small batches, is only similar.
"""

import numpy as np
from numpy.typing import NDArray

ROWS = 1500
FEATURES = 5

# Lower half of (1/1500) A^T A, A = [five features, 1, target], of the standardised airfoil data:
# summed exactly over the float32 rows, rounded once.
# Source: Brooks, Pope and Marcolini 1989, NASA RP-1218; UCI Machine Learning Repository, data set
# 291, DOI 10.24432/C5VW2C, CC BY 4.0.
_LOWER = (
    (1.0008347228460994,),
    (-0.27540382907996863, 0.9975571475078612),
    (-0.003142931223451589, -0.504763790194953, 1.0017205922654253),
    (0.1349473072989364, 0.06103329161891542, 0.0032535165365689712, 1.0009535446270066),
    (
        *(-0.23502465599917882, 0.7454428923518759, -0.2189125302054436),
        *(0.0006080506618858964, 0.9818670305072782),
    ),
    (
        *(-0.0014047937989234924, -0.0029808957210431496, 0.0007474866608778636),
        *(0.0014466697772343954, -0.0063455430641770364, 1.0),
    ),
    (
        *(-0.38750303937973934, -0.1481386184051738, -0.23871038412421683, 0.12133399501807117),
        *(-0.2956664476392396, 0.005556149964841704, 0.9865179448890911),
    ),
)


def moments() -> NDArray[np.float64]:
    """(1/n) A^T A with A = [X, 1, y] of the airfoil data. Shapes: (7, 7), symmetric."""
    lower = np.zeros((FEATURES + 2, FEATURES + 2))
    for i, row in enumerate(_LOWER):
        lower[i, : i + 1] = row
    return lower + np.tril(lower, -1).T


def rows() -> NDArray[np.float64]:
    """Five features and a target whose second moments are `moments()`, up to rounding.

    white = (draw - mean) L^{-T},  L L^T = covariance of the draw
    rows = white K^T + m,  K K^T = C

    with m and C the mean and covariance of the airfoil data. Shapes: (1500, 6).
    """
    wanted = moments()
    columns = [*range(FEATURES), FEATURES + 1]  # all but the constant one
    mean = wanted[FEATURES, columns]
    covariance = wanted[np.ix_(columns, columns)] - np.outer(mean, mean)
    # RandomState, as NumPy promises its stream for good. Student's t with 5 degrees of freedom,
    # as the airfoil's rows have heavy tails: normal rows make the batches too quiet.
    draw = np.random.RandomState(0).standard_t(5, size=(ROWS, FEATURES + 1))
    draw = draw - draw.mean(axis=0)
    factor = np.linalg.cholesky(draw.T @ draw / ROWS)
    white = np.linalg.solve(factor, draw.T).T
    return np.asarray(white @ np.linalg.cholesky(covariance).T + mean, dtype=np.float64)
