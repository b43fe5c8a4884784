"""The feature sets of Su et al. 2019 (section 3.1), planes in the order of figure 5."""

from __future__ import annotations

from harness.registry import FeatureSet, Layout, register

register(
    FeatureSet("LMC", ("LM", "chroma", "contrast", "tonnetz"), Layout.SEGMENTS),
    FeatureSet("MC", ("MFCC", "chroma", "contrast", "tonnetz"), Layout.SEGMENTS),
    FeatureSet("MLMC", ("MFCC", "LM", "chroma", "contrast", "tonnetz"), Layout.SEGMENTS),
)
