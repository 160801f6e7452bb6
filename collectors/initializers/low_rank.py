"""The low-rank parts that initialisers share: leading directions, and a product split evenly into two factors.

Every start here is a projection: with ``u`` an orthonormal basis of r directions of the output space, the adapter
holds ``u u^T E`` of an error or a weight ``E``. The best rank-r part of ``E`` under any quadratic measure ``M`` of the
inputs, ``svd_r(E M^(1/2)) M^(-1/2)``, is ``u u^T E`` with ``u`` the leading left singular vectors of ``E M^(1/2)``; so
``M`` is never inverted and may be singular, and the plain norm of the error never grows.

Notation: ``E`` of shape ``(rows, columns)``; ``M`` of shape ``(columns, columns)``. Work is in float64, where the
eigenvectors of the Gram matrix of the smaller side are as good as a singular value decomposition in float32 and need a
third of its time.
"""

import torch
from torch import Tensor


def leading_directions(matrix: Tensor, rank: int) -> Tensor:
    """Returns the leading left singular vectors, shape ``(rows, min(rank, rows, columns))``.

    Args:
        matrix: float64, shape ``(rows, columns)``.
        rank: number of vectors, 1 or more.
    """
    rows, columns = matrix.shape
    if rows <= columns:
        return leading_eigenvectors(matrix @ matrix.T, rank)
    basis: Tensor = torch.linalg.qr(matrix @ leading_eigenvectors(matrix.T @ matrix, rank)).Q
    return basis


def leading_eigenvectors(matrix: Tensor, rank: int) -> Tensor:
    """Returns the eigenvectors of the largest eigenvalues, largest first, shape ``(side, min(rank, side))``.

    Args:
        matrix: float64, symmetric, positive semi-definite up to rounding, shape ``(side, side)``.
        rank: number of vectors, 1 or more.
    """
    vectors: Tensor = torch.linalg.eigh(matrix).eigenvectors
    return vectors.flip(1)[:, :rank]


def factors(directions: Tensor, matrix: Tensor, rank: int, scaling: float) -> tuple[Tensor, Tensor]:
    """Returns A and B in float32 whose scaled product is the projection of a matrix.

    Each row of A has the norm of its column of B, as the square roots of singular values give it in LoftQ and PiSSA.
    Above the smaller side of the matrix a rank finds no further directions, and the rest of A and B is 0.

    Args:
        directions: orthonormal columns, shape ``(rows, r)`` with r no larger than the rank.
        matrix: float64, shape ``(rows, columns)``.
        rank: rows of A and columns of B, 1 or more.
        scaling: factor of ``b @ a`` in the adapter, above 0.

    Returns:
        A, shape ``(rank, columns)``, and B, shape ``(rows, rank)``.
    """
    parts = directions.T @ matrix
    root = (torch.linalg.vector_norm(parts, dim=1) / scaling).sqrt()
    a = torch.where(root[:, None] > 0, parts / (scaling * root[:, None]), 0.0)
    b = directions * root
    missing = rank - len(root)
    return (
        torch.nn.functional.pad(a, (0, 0, 0, missing)).float().contiguous(),
        torch.nn.functional.pad(b, (0, missing)).float().contiguous(),
    )
