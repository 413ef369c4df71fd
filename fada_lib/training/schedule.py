"""The poly learning rate policy (paper, section 4.3): a pure function of the iteration."""

from fada_lib.parameters import UserError


def poly_factor(iteration: int, horizon: int, power: float = 0.9) -> float:
    """(1 - iteration / horizon) ** power, with the iteration counted from 0 and applied before the step.

    The paper's horizon is the number of iterations; the release's is longer (31,250 for 20,000), so that its
    rate ends at 0.3987 of the start instead of near 0.

    Raises
    ------
    UserError
        If the iteration is not in 0..horizon.
    """
    if not 0 <= iteration <= horizon or horizon == 0:
        raise UserError(f"iteration {iteration} is not in 0..{horizon}, the horizon of the poly rate: lengthen it")
    return (1.0 - iteration / horizon) ** power
