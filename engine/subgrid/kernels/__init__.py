"""Numerics shared by plugin families: arrays and numbers only, no options and no logging."""
