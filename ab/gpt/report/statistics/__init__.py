"""Comparing arms: exact tests for shares, the bootstrap for scores, and a correction for many comparisons."""
