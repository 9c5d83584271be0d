"""Tests of ``insightly probe``."""
