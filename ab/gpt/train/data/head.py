"""A transform in two parts: the head does the same to a picture every time and can be kept, the tail is done anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torchvision import transforms

_ALWAYS_THE_SAME = (transforms.Resize, transforms.CenterCrop, transforms.Grayscale)
_PLAIN = (transforms.Pad, transforms.ToTensor, transforms.Normalize)


@dataclass(frozen=True)
class Parts:
    """The steps of a transform: those whose result can be kept, and the others."""

    head: tuple[Any, ...]
    tail: tuple[Any, ...]

    @property
    def key(self) -> str:
        """What the head does, in words that are the same for the same head."""
        return " | ".join(map(repr, self.head))

    @property
    def as_batch(self) -> bool:
        """True where a whole batch can go through the tail at once, with the same numbers coming out."""
        kinds = [type(step) for step in self.tail]
        return kinds in (
            [transforms.ToTensor],
            [transforms.RandomHorizontalFlip, transforms.ToTensor],
            [transforms.ToTensor, transforms.Normalize],
            [transforms.RandomHorizontalFlip, transforms.ToTensor, transforms.Normalize],
        )

    @property
    def is_random(self) -> bool:
        """True where the tail may draw numbers at random."""
        return not all(map(_is_fixed, self.tail))

    @property
    def mirror(self) -> transforms.RandomHorizontalFlip | None:
        """The step that mirrors a picture now and then; None where there is none, or more than one."""
        mirrors = [step for step in self.tail if isinstance(step, transforms.RandomHorizontalFlip)]
        return mirrors[0] if len(mirrors) == 1 else None

    @property
    def versions(self) -> tuple[Parts, ...]:
        """The same without chance: once plain and, where it may mirror, once mirrored; none where more is random."""
        mirror = self.mirror
        if not all(_is_fixed(step) or step is mirror for step in self.tail):
            return ()
        if mirror is None:
            return (self,)
        always = transforms.RandomHorizontalFlip(p=1.0)
        plain = tuple(step for step in self.tail if step is not mirror)
        return Parts(self.head, plain), Parts(
            self.head, tuple(always if step is mirror else step for step in self.tail)
        )

    def fixed_head(self, picture: Any) -> Any:
        """A picture after the head."""
        for step in self.head:
            picture = step(picture)
        return picture

    def each(self) -> Callable[[Any], Any]:
        """The tail for one picture."""
        tail: Callable[[Any], Any] = transforms.Compose(list(self.tail))
        return tail


def split_transform(transform: Any) -> Parts | None:
    """The parts of a transform; None where it does not begin with what could be kept."""
    steps = tuple(getattr(transform, "transforms", ()))
    count = 0
    while count < len(steps) and isinstance(steps[count], _ALWAYS_THE_SAME):
        count += 1
    if not count or not any(_fixes_size(step) for step in steps[:count]):
        return None
    return Parts(steps[:count], steps[count:])


def _is_fixed(step: Any) -> bool:
    """True where the step does the same to a picture every time."""
    return isinstance(step, (*_ALWAYS_THE_SAME, *_PLAIN))


def _fixes_size(step: Any) -> bool:
    """True where every picture has the same size after the step."""
    size = getattr(step, "size", None)
    return isinstance(step, transforms.CenterCrop) or (isinstance(size, (tuple, list)) and len(size) == 2)
