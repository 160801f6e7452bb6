"""The largest batch or length whose peak is within a budget."""

from collections.abc import Callable


def largest_within(peak: Callable[[int], float], budget: float, known: tuple[int, float], limit: int) -> int | None:
    """Returns the largest number up to ``limit`` whose peak is within the budget, None where that of 1 is not.

    Peaks are nearly straight lines of the number, so that the line through two of them all but hits it.

    Args:
        peak: function of a number 1 or more that never falls.
        budget: largest peak that fits, in the unit of ``peak``.
        known: a number and its peak.
        limit: largest number to try, 1 or more.
    """
    low, at_low = known
    high, guess = limit + 1, min(2 * low, limit)
    if at_low > budget or low > limit:
        high, low, at_low = min(low, limit + 1), 1, peak(1)
        guess = (low + high) // 2
    if at_low > budget:
        return None
    tried = 0
    while high - low > 1:
        tried += 1
        place = min(max(guess, low + 1), high - 1)
        found = peak(place)
        slope = (found - at_low) / (place - low)
        low, at_low, high = (place, found, high) if found <= budget else (low, at_low, place)
        middle = (low + high) // 2  # now and then, or a bent line could take as many looks as there are numbers
        guess = low + int((budget - at_low) / slope) if slope > 0 and tried % 4 else middle
    return low
