"""Conformance tests of networks."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.build import build_model
from harness.registry import NETWORKS, options_of
from harness.study import ModelSection

N_CLASSES = 7
N_ITEMS = 6


class NetworkConformance:
    """Tests of one network; a subclass names it.

    Attributes
    ----------
    network
        Its name in the registry.
    input_shapes
        Shapes (channels, rows, columns) of items that it must accept.
    plane_rows
        First row, and row after the last, of each plane of a stack, for networks that take them.
    """

    network: ClassVar[str]
    input_shapes: ClassVar[tuple[tuple[int, int, int], ...]]
    plane_rows: ClassVar[dict[str, tuple[int, int]] | None] = None

    def build(self, input_shape: tuple[int, int, int], seed: int = 0) -> nn.Module:
        """Return the network with the weights of ``seed`` and the default options."""
        torch.manual_seed(seed)
        return build_model(self.network, ModelSection(), input_shape, N_CLASSES, self.plane_rows)

    def items(self, input_shape: tuple[int, int, int], seed: int = 1) -> Tensor:
        """Return normally distributed items, float32, shape (N_ITEMS, *input_shape)."""
        return torch.randn(N_ITEMS, *input_shape, generator=torch.Generator().manual_seed(seed))

    def test_it_has_defaults_for_its_options(self) -> None:
        """A study need not state options."""
        options_of(NETWORKS.get(self.network))()

    def test_it_gives_a_logit_for_each_class(self) -> None:
        """Items go in as float32, finite logits come out, in training and in evaluation."""
        for shape in self.input_shapes:
            model = self.build(shape)
            for training in (True, False):
                logits = model.train(training)(self.items(shape))
                assert logits.shape == (N_ITEMS, N_CLASSES)
                assert logits.dtype == torch.float32
                assert logits.isfinite().all()

    def test_its_weights_depend_on_the_seed_alone(self) -> None:
        """The same seed gives the same weights, another seed different ones."""
        for shape in self.input_shapes:
            first, again, other = (self.build(shape, seed).state_dict() for seed in (0, 0, 1))
            assert all(torch.equal(first[name], again[name]) for name in first)
            assert any(not torch.equal(first[name], other[name]) for name in first)

    def test_evaluation_is_repeatable_and_takes_each_item_alone(self) -> None:
        """In evaluation the same items give the same logits, whatever else is in the batch (to rounding)."""
        for shape in self.input_shapes:
            model, items = self.build(shape).eval(), self.items(shape)
            with torch.no_grad():
                logits = model(items)
                assert torch.equal(logits, model(items))
                torch.testing.assert_close(model(items[:2]), logits[:2], rtol=1e-3, atol=1e-4)

    def test_a_step_moves_every_weight_and_lowers_the_loss(self) -> None:
        """Gradients reach every parameter, and a few steps on a handful of items lower their loss."""
        for shape in self.input_shapes:
            model, items, labels = self.build(shape), self.items(shape), torch.arange(N_ITEMS) % N_CLASSES
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            losses = []
            for step in range(12):
                torch.manual_seed(step)
                loss = F.cross_entropy(model.train()(items), labels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                lacking = [name for name, value in model.named_parameters() if value.grad is None]
                assert not lacking, f"no gradient reaches {lacking}"
                optimizer.step()
                losses.append(float(loss))
            assert min(losses[-4:]) < losses[0]

    def test_its_weights_can_be_kept(self) -> None:
        """A copy with the same weights gives the same logits."""
        for shape in self.input_shapes:
            model, copy, items = self.build(shape).eval(), self.build(shape, seed=5).eval(), self.items(shape)
            copy.load_state_dict(model.state_dict())
            with torch.no_grad():
                assert torch.equal(model(items), copy(items))
