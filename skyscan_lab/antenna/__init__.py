"""Antenna patterns: one small interface, one family a file."""

from skyscan_lab.antenna.airy import AiryPattern
from skyscan_lab.antenna.base import AntennaPattern
from skyscan_lab.antenna.gaussian import GaussianPattern
from skyscan_lab.antenna.solid_angle import directivity, effective_area_m2, solid_angle_sr

__all__ = [
    "AiryPattern",
    "AntennaPattern",
    "GaussianPattern",
    "directivity",
    "effective_area_m2",
    "solid_angle_sr",
]
