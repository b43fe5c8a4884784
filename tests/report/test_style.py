"""What all figures share: wrapped names, and letters that no user's settings change."""

from __future__ import annotations

from harness.report.style import wrapped


def test_names_wrap_at_the_signs_that_join_them() -> None:
    assert wrapped("ResNet image:mel+mfcc+spectrogram_0", 26) == "ResNet image:mel+mfcc+\nspectrogram_0"
    assert wrapped("LMCNet", 26) == "LMCNet"
    assert max(map(len, wrapped("x" * 60, 26).split("\n"))) == 26


def test_users_settings_do_not_change_a_figure() -> None:
    import matplotlib as mpl

    from harness.report.topics.classes import confusion_png

    labels, classes = [0, 1, 2, 2], ["dog", "rain", "siren"]
    plain = confusion_png(labels, labels[::-1], classes, "t")
    with mpl.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 9}):
        assert confusion_png(labels, labels[::-1], classes, "t") == plain
        assert mpl.rcParams["font.size"] == 20
