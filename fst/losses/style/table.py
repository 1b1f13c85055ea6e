"""The statistics of style by their names."""

from fst.losses.style.choice import check_statistic, patch_settings
from fst.losses.style.gram import GRAM
from fst.losses.style.histogram import HISTOGRAM
from fst.losses.style.moments import MOMENTS
from fst.losses.style.patches import PATCHES, patches
from fst.losses.style.sliced import SLICED
from fst.losses.style.statistic import Statistic
from fst.losses.style.wasserstein import WASSERSTEIN

STATISTICS = {
    "gram": GRAM,
    "moments": MOMENTS,
    "wasserstein": WASSERSTEIN,
    "sliced": SLICED,
    "histogram": HISTOGRAM,
    "patches": PATCHES,
}
"""Name -> statistic, in the order of :data:`fst.choices.STATISTICS`."""


def statistic_of(
    name: str, patch_size: int | None = None, patch_stride: int | None = None
) -> Statistic:
    """The statistic of a name.

    Args:
        name: one of :data:`STATISTICS`.
        patch_size: side of a patch, in positions of a layer; None is the usual one.
        patch_stride: positions from one patch to the next; None is the usual one, or the size
            where that is less.

    Raises:
        InputError: another name, a size or stride out of its range or for another statistic.
    """
    check_statistic({"statistic": name, "patch_size": patch_size, "patch_stride": patch_stride})
    if patch_size is None and patch_stride is None:
        return STATISTICS[name]
    return patches(*patch_settings(patch_size, patch_stride))
