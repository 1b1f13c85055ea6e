"""fst.image.sheet: rows of previews, and pictures beside each other."""

from itertools import pairwise

from fst.image.sheet import spread


def test_rows_are_chosen_at_equal_ratios() -> None:
    steps = sorted({2**k for k in range(16)} | set(range(500, 40_001, 500)))
    chosen = spread(steps, 12)
    assert (chosen[0], chosen[-1], len(set(chosen))) == (1, 40_000, 12)
    assert set(chosen) <= set(steps)
    ratios = [later / earlier for earlier, later in pairwise(chosen)]
    assert max(ratios) / min(ratios) <= 4  # 40,000^(1/11) = 2.6 each, from a grid of about 2
    assert spread([3, 5, 8], 12) == [3, 5, 8]
    assert len(spread([0, *range(5, 30)], 12)) == 12
