"""Antenna patterns: one small interface, one family a file."""

from skyscan_lab.antenna.airy import AiryPattern
from skyscan_lab.antenna.aperture import AperturePattern
from skyscan_lab.antenna.base import AntennaPattern
from skyscan_lab.antenna.cosine import CosinePattern
from skyscan_lab.antenna.cuts import CutsPattern
from skyscan_lab.antenna.f699 import F699Pattern
from skyscan_lab.antenna.f1245 import F1245Pattern
from skyscan_lab.antenna.figures import BeamFigures, CutFigures, beam_figures, cut_figures
from skyscan_lab.antenna.gaussian import GaussianPattern
from skyscan_lab.antenna.harmonics import HarmonicPattern
from skyscan_lab.antenna.msi import read_msi
from skyscan_lab.antenna.polar_table import PolarTablePattern
from skyscan_lab.antenna.ra1631 import RA1631Pattern
from skyscan_lab.antenna.s465 import S465Pattern
from skyscan_lab.antenna.s580 import S580Pattern
from skyscan_lab.antenna.sinc import SincPattern
from skyscan_lab.antenna.solid_angle import directivity, effective_area_m2, solid_angle_sr
from skyscan_lab.antenna.table import TablePattern
from skyscan_lab.antenna.uvbeam import read_uvbeam

__all__ = [
    "AiryPattern",
    "AntennaPattern",
    "AperturePattern",
    "BeamFigures",
    "CosinePattern",
    "CutFigures",
    "CutsPattern",
    "F699Pattern",
    "F1245Pattern",
    "GaussianPattern",
    "HarmonicPattern",
    "PolarTablePattern",
    "RA1631Pattern",
    "S465Pattern",
    "S580Pattern",
    "SincPattern",
    "TablePattern",
    "beam_figures",
    "cut_figures",
    "directivity",
    "effective_area_m2",
    "read_msi",
    "read_uvbeam",
    "solid_angle_sr",
]
