"""Compares two pictures that POV-Ray has written as binary PPM (+FP), pixel by pixel."""
import re

_WORD = re.compile(rb"(?:\s|#[^\n]*\n)*([^\s#]+)")  # POV-Ray writes the date and its version in comments


def load(path):
    """((width, height, greatest value), bytes of the pixels)."""
    with open(path, "rb") as file:
        data = file.read()
    words, at = [], 0
    for _ in range(4):
        match = _WORD.match(data, at)
        if match is None:
            raise ValueError(f"{path} is not a complete binary PPM")
        words.append(match.group(1))
        at = match.end()
    if words[0] != b"P6":
        raise ValueError(f"{path} is not a binary PPM")
    return tuple(map(int, words[1:])), data[at + 1:]


def differing_pixels(left, right):
    """How many pixels differ; all of them when the sizes differ or a picture is cut short."""
    (shape, ours), (other_shape, theirs) = load(left), load(right)
    pixels, size = shape[0] * shape[1], 3 if shape[2] < 256 else 6
    if shape != other_shape or len(ours) != len(theirs) or len(ours) != pixels * size:
        return pixels
    return sum(ours[at:at + size] != theirs[at:at + size] for at in range(0, len(ours), size))
