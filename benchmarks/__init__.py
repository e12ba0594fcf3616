"""Measurements of stock LEMUR and of this toolkit on the same work, in turn, in one run."""
