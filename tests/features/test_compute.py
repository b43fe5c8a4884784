"""All planes of a clip: shapes, short and silent clips, and what cannot be computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from harness.data.clips import ClipTable
from harness.errors import FeatureError
from harness.features.audio import read_mono
from harness.features.compute import compute, compute_planes, load, one_thread, prepare_clip
from harness.features.image import resize
from harness.features.sets import LaidOut, n_frames, set_shape
from harness.registry import PLANES, Layout, feature_set, has_own_frames
from harness.study import FeaturesSection, ImageSection
from tests.features.conftest import IMAGES, SEGMENT_PLANES, SEGMENTS

PARAMS = FeaturesSection()
PAPERS = [plane for plane in IMAGES if not has_own_frames(PLANES.get(plane.name))]


def _wav(path: Path, samples: np.ndarray, rate: int = 22050) -> Path:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def test_frames_and_rows_of_real_clips(esc_paths: list[Path], urbansound_paths: list[Path]) -> None:
    for path in [esc_paths[0], *urbansound_paths[-2:]]:
        frames = n_frames(np.array([soundfile.info(path).duration]), PARAMS).item()
        arrays = compute_planes(path, SEGMENTS, PARAMS)
        assert {plane.name: array.shape for plane, array in arrays.items()} == {
            name: (frames, set_shape(feature_set(name), PARAMS)[1]) for name in SEGMENT_PLANES
        }
        assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values())


def test_a_5_s_clip_at_44100_hz_is_the_plain_librosa_call(esc_paths: list[Path]) -> None:
    samples, _ = librosa.load(esc_paths[0], sr=22050)
    power = librosa.feature.melspectrogram(y=samples, sr=22050, n_fft=1024, hop_length=512, n_mels=60)
    [array] = compute_planes(esc_paths[0], [LaidOut(Layout.SEGMENTS, "LM")], PARAMS).values()
    np.testing.assert_allclose(array.T, librosa.power_to_db(power), rtol=0, atol=1e-4)


@pytest.mark.parametrize("n", [1, 7, 1102])
@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("padding", ["zeros", "repeat"])
def test_the_shortest_clips_give_one_finite_segment(tmp_path: Path, n: int, value: float, padding: str) -> None:
    params = FeaturesSection(padding=padding)  # type: ignore[arg-type]
    path = _wav(tmp_path / "short.wav", np.full(n, value, np.float32))
    arrays = compute_planes(path, SEGMENTS + IMAGES, params)
    for plane, array in arrays.items():
        assert np.isfinite(array).all(), plane
        assert array.shape[0] == (41 if plane.layout == "segments" else 128)


def test_padding_repeats_the_clip_or_appends_silence(tmp_path: Path) -> None:
    tone = np.sin(np.arange(2048) * 2 * np.pi / 64).astype(np.float32)
    path = _wav(tmp_path / "tone.wav", tone)
    plane = LaidOut(Layout.SEGMENTS, "LM")
    silence_after = compute_planes(path, [plane], PARAMS)[plane]
    repeated = compute_planes(path, [plane], FeaturesSection(padding="repeat"))[plane]
    np.testing.assert_allclose(silence_after[1:3], repeated[1:3], atol=1e-4)
    assert silence_after[-1].max() == silence_after.min()
    np.testing.assert_allclose(repeated[-3], repeated[2], atol=1e-3)


def test_image_planes_are_those_of_the_first_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    start = (0.1 * rng.standard_normal(22050)).astype(np.float32)
    params = FeaturesSection(image=ImageSection(seconds=1.0, rows=30, columns=20))
    short = compute_planes(_wav(tmp_path / "start.wav", start), IMAGES, params)
    long = compute_planes(_wav(tmp_path / "long.wav", np.concatenate([start, start])), IMAGES, params)
    for plane in IMAGES:
        assert short[plane].shape == (30, 20)
        # Resampling from 22,050 to 44,100 Hz hears what follows.
        if plane in PAPERS:
            np.testing.assert_array_equal(short[plane], long[plane])


def test_an_image_of_a_papers_plane_is_that_plane_resized(tmp_path: Path) -> None:
    # A clip of exactly 3 s is its own excerpt, so both layouts see the same samples.
    samples = (0.1 * np.random.default_rng(1).standard_normal(3 * 22050)).astype(np.float32)
    path = _wav(tmp_path / "three.wav", samples)
    stacked = [LaidOut(Layout.SEGMENTS, image.name) for image in PAPERS]
    arrays = compute_planes(path, stacked + PAPERS, PARAMS)
    for image in PAPERS:
        plane = torch.from_numpy(arrays[LaidOut(Layout.SEGMENTS, image.name)].T)
        np.testing.assert_allclose(arrays[image], resize(plane[None], 128, 128)[0], rtol=0, atol=1e-4)


def test_planes_do_not_depend_on_what_else_is_asked_for(write_clips: Callable[..., ClipTable]) -> None:
    path = Path(write_clips(1).frame["path"][0])
    together = compute_planes(path, SEGMENTS + IMAGES, PARAMS)
    for plane in SEGMENTS + IMAGES:
        np.testing.assert_array_equal(compute_planes(path, [plane], PARAMS)[plane], together[plane])


def test_clips_of_a_batch_are_those_alone(write_clips: Callable[..., ClipTable], esc_paths: list[Path]) -> None:
    # Three of one length, others of their own, and tunings that differ.
    paths = [esc_paths[0], *map(Path, write_clips(4).frame["path"]), *esc_paths[1:3]]
    together = compute([load(path, SEGMENTS + IMAGES, PARAMS) for path in paths], SEGMENTS + IMAGES, PARAMS)
    for path, planes in zip(paths, together, strict=True):
        alone = compute_planes(path, SEGMENTS + IMAGES, PARAMS)
        assert planes.keys() == alone.keys()
        for plane, values in alone.items():
            np.testing.assert_allclose(planes[plane], values, rtol=0, atol=1e-4, err_msg=f"{path.name} {plane.slug}")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_planes_of_a_cuda_device_are_those_of_the_cpu(write_clips: Callable[..., ClipTable]) -> None:
    for path in map(Path, write_clips(4).frame["path"]):
        here, there = (compute_planes(path, SEGMENTS + IMAGES, PARAMS, device) for device in ("cpu", "cuda"))
        for plane in SEGMENTS + IMAGES:
            np.testing.assert_allclose(there[plane], here[plane], rtol=0, atol=1e-4, err_msg=plane.slug)


def test_samples_beyond_all_measure_are_refused_by_name(tmp_path: Path) -> None:
    path = _wav(tmp_path / "loud.wav", np.full(30000, 3e38, np.float32))
    with pytest.raises(FeatureError, match=r"loud\.wav: the plane image-spectrogram is not finite .*peak 3e\+38"):
        compute_planes(path, [LaidOut(Layout.IMAGE, "spectrogram")], PARAMS)


def test_segments_shorter_than_the_derivatives_are_refused(tmp_path: Path) -> None:
    path = _wav(tmp_path / "short.wav", np.zeros(100, np.float32))
    with pytest.raises(FeatureError, match="received 5; lower delta_width"):
        compute_planes(path, [LaidOut(Layout.SEGMENTS, "MFCC")], FeaturesSection(segment_frames=5))


def test_one_thread_is_for_inside_only() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("seconds", [1.4, 2.0, 3.1])
def test_a_clip_brought_to_a_length_is_the_cut_or_lengthened_audio(tmp_path: Path, seconds: float) -> None:
    samples = (0.1 * np.random.default_rng(1).standard_normal(round(seconds * 22050))).astype(np.float32)
    brought = np.concatenate([samples, np.zeros(44100, np.float32)])[:44100]
    fixed = FeaturesSection(clip_seconds=2.0)
    planes = [LaidOut(Layout.SEGMENTS, "LM"), LaidOut(Layout.SEGMENTS, "contrast")]
    ours = compute_planes(_wav(tmp_path / "own.wav", samples), planes, fixed)
    theirs = compute_planes(_wav(tmp_path / "brought.wav", brought), planes, PARAMS)
    for plane in planes:
        assert len(ours[plane]) == n_frames(np.array([seconds]), fixed)[0] == 87
        np.testing.assert_array_equal(ours[plane], theirs[plane])


def test_a_set_of_the_study_is_its_plane(tmp_path: Path) -> None:
    samples = (0.1 * np.random.default_rng(2).standard_normal(30000)).astype(np.float32)
    path = _wav(tmp_path / "noise.wav", samples)
    own = {
        "plain": {"plane": "tonnetz"},
        "fine": {"plane": "CQT", "bins_per_octave": 24},
        "few": {"plane": "PCEN", "n_mels": 40},
    }
    params = FeaturesSection.model_validate({"sets": own, "planes": {"PCEN": {"bias": 1.0}}})
    planes = [LaidOut(Layout.SEGMENTS, name) for name in (*own, "tonnetz")]
    arrays = compute_planes(path, planes, params)
    assert [arrays[plane].shape[1] for plane in planes] == [6, 168, 40, 6]
    np.testing.assert_array_equal(arrays[planes[0]], arrays[planes[3]])


def test_planes_of_an_excerpt_are_those_of_the_whole_file(esc_paths: list[Path]) -> None:
    planes = [*(LaidOut(Layout.IMAGE, name) for name in ("mel", "chroma")), LaidOut(Layout.SEGMENTS, "LM")]
    params = FeaturesSection(clip_seconds=2.0)
    for path in esc_paths[:4]:
        whole = compute([prepare_clip(path, *read_mono(path), planes, params)], planes, params)[0]
        for plane, values in compute_planes(path, planes, params).items():
            np.testing.assert_array_equal(values, whole[plane])
