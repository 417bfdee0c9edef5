"""Matrix products in C: torch's but for rounding; the same with any number of threads, and with zeros left out."""

from copy import copy
from threading import Thread

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.native_kernels import NATIVE, grads, native, needs_kernels
from support.tapes import assert_same_bits
from support.threads import threads
from torch import Tensor

from ddpg.fast.native import Kernels, Step, build
from ddpg.fast.native.operands import Product
from ddpg.procfs import proc_field


def laid(generator: torch.Generator, rows: int, columns: int, layout: str) -> Tensor:
    """A matrix in that layout, NaN around it."""
    if layout == "transposed":
        return laid(generator, columns, rows, "plain").t()
    whole = torch.full((rows, columns + 3), torch.nan)
    whole[:, 1 : columns + 1] = torch.randn(rows, columns, generator=generator)
    return whole[:, 1 : columns + 1] if layout == "part" else whole[:, 1 : columns + 1].clone()


LAYOUTS = st.sampled_from(["plain", "transposed", "part"])
SIZES = st.one_of(st.integers(1, 20), st.sampled_from([31, 32, 33, 64, 100]))


def border(part: Tensor) -> Tensor:
    """What lies left and right of a matrix that is `laid` as a part."""
    whole = part._base
    return torch.zeros(0) if whole is None else torch.cat([whole[:, :1], whole[:, -2:]], dim=1)


def resident_mb() -> float:
    return int((proc_field("self/status", "VmRSS") or "0 kB").split()[0]) / 1024


@needs_kernels
class TestProducts:
    @given(SIZES, SIZES, SIZES, LAYOUTS, LAYOUTS, st.booleans(), st.booleans(), st.integers(0, 9))
    @settings(max_examples=100, deadline=None)
    def test_any_shape_and_layout(
        self, m: int, n: int, k: int, of_a: str, of_b: str, biased: bool, rectified: bool, seed: int
    ) -> None:
        generator = torch.Generator().manual_seed(seed)

        def function(a: Tensor, b: Tensor, bias: Tensor) -> Tensor:
            out = torch.addmm(bias, a, b) if biased else torch.mm(a, b)
            return out.relu_() if rectified else out

        inputs = laid(generator, m, k, of_a), laid(generator, k, n, of_b), torch.randn(n, generator=generator)
        found = native(function, *inputs)(*inputs)
        torch.testing.assert_close(found, function(*inputs), rtol=1e-4, atol=1e-5 * k**0.5)

    @given(SIZES, SIZES, SIZES, SIZES)
    @settings(max_examples=30, deadline=None)
    def test_gradients_through_relus(self, batch: int, n_in: int, hidden: int, n_out: int) -> None:
        """A product and the ReLU after it, or before it on the way back, are one step."""
        generator = torch.Generator().manual_seed(batch)
        x, w, v = (torch.randn(m, n, generator=generator) for m, n in ((batch, n_in), (hidden, n_in), (n_out, hidden)))
        two_layers = grads(lambda x, w, v: torch.relu(torch.relu(x @ w.t()) @ v.t()))
        for ours, torchs in zip(native(two_layers, x, w, v)(x, w, v), two_layers(x, w, v), strict=True):
            torch.testing.assert_close(ours, torchs, rtol=1e-3, atol=1e-3)

    @pytest.mark.parametrize("k", [0, 1])
    def test_hardly_anything_to_add(self, k: int) -> None:
        a, b, bias = torch.ones(5, k), torch.ones(k, 40), torch.arange(40.0)
        assert_same_bits(native(torch.addmm, bias, a, b)(bias, a, b), torch.addmm(bias, a, b))

    def test_nan_stays_nan(self) -> None:
        """Also behind a ReLU; and 0 times NaN is NaN."""
        a, b = torch.zeros(3, 3), torch.full((3, 40), torch.nan)
        assert native(lambda a, b: (a @ b).relu_(), a, b)(a, b).isnan().all()
        assert native(lambda a, b: (a @ b).relu_(), a, b[:, :1])(a, b[:, :1]).isnan().all()

    @pytest.mark.parametrize("zeros", [False, True])
    def test_threads_share_the_work(self, zeros: bool) -> None:
        """The order of each sum is the same."""
        generator = torch.Generator().manual_seed(0)
        a, b, bias = (torch.randn(*shape, generator=generator) for shape in ((301, 170), (170, 190), (190,)))
        a = a.relu() if zeros else a
        tape = native(lambda *given: torch.addmm(*given).relu_().sum(dim=0), bias, a, b)
        alone = tape(bias, a, b).clone()
        with threads(3):
            assert_same_bits(tape(bias, a, b), alone)


@pytest.fixture(scope="module", params=["as it is here", "AVX2"])
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Also those of a processor that has no more than AVX2, which this one can run as well."""
    if NATIVE is None:
        pytest.skip("no native kernels here")
    if request.param != "AVX2":
        return NATIVE
    least = list(build.PROCESSORS)[-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(build, "PROCESSORS", {least: build.PROCESSORS[least]})
        try:
            return build._found()
        except build.MissingError as error:
            pytest.skip(str(error))


def by(
    kernel: str,
    kernels: Kernels,
    out: Tensor,
    a: Tensor,
    b: Tensor,
    bias: Tensor | None = None,
    y: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Fill `out` by that kernel; y is what a gradient's ReLU gave."""
    operands = Product(
        out=out,
        a=a,
        b=b,
        bias=bias,
        y=y,
        m=a.shape[0],
        n=b.shape[1],
        k=b.shape[0],
        am=a.stride(0),
        ak=a.stride(1),
        bk=b.stride(0),
        bn=b.stride(1),
        om=out.stride(0),
        on=out.stride(1),
        row_bias=0,
        column_bias=bias is not None,
        relu=relu,
    )
    kernels.program([Step(kernel, operands)])()
    return out


@pytest.mark.xdist_group("AVX2")  # one process builds those kernels, where pytest-xdist runs several
class TestZerosAreLeftOut:
    @given(
        m=SIZES | st.just(300), n=SIZES | st.just(200), k=SIZES | st.just(200), of_a=LAYOUTS, of_b=LAYOUTS,
        of_out=st.sampled_from(["plain", "part"]), zeros=st.floats(0, 1), biased=st.booleans(),
        after=st.sampled_from(["nothing", "ReLU", "gradient of a ReLU"]), count=st.sampled_from([1, 2, 3]),
        seed=st.integers(0, 9),
    )  # fmt: skip
    @settings(max_examples=200, deadline=None)
    def test_same_bits(
        self, kernels: Kernels, m: int, n: int, k: int, of_a: str, of_b: str, of_out: str, zeros: float, biased: bool,
        after: str, count: int, seed: int,
    ) -> None:  # fmt: skip
        generator = torch.Generator().manual_seed(seed)
        a, b = laid(generator, m, k, of_a), laid(generator, k, n, of_b)
        a[torch.rand(m, k, generator=generator) < zeros] = 0
        bias = torch.randn(n, generator=generator) if biased else None
        if bias is not None:
            bias[::3] = -0.0
        outs = [laid(generator, m, n, of_out) for _ in range(3)]
        y = outs.pop() if after == "gradient of a ReLU" else None
        for kernel, out in zip(("dense", "sparse"), outs, strict=False):
            with threads(count):
                by(kernel, kernels, out, a, b, bias, y, relu=after == "ReLU")
        assert_same_bits(outs[1], outs[0])
        assert all(border(out).isnan().all() for out in outs)
        whole = a @ b + (0 if bias is None else bias)
        expected = whole.relu() if after == "ReLU" else whole if y is None else whole * (y > 0)
        torch.testing.assert_close(outs[0], expected, rtol=1e-4, atol=1e-5 * k**0.5)

    def test_long_rows(self, kernels: Kernels) -> None:
        """So long that fewer are listed at a time, and that a product multiplies all."""
        a, b = torch.eye(70, 2**14).roll(2**13, dims=1), torch.randn(2**14, 130)
        assert_same_bits(by("sparse", kernels, torch.zeros(70, 130), a, b), b[2**13 : 2**13 + 70])
        assert left_out(kernels, 64, 128, 2**14, "plain", "plain", zeros=0.6)
        assert not left_out(kernels, 64, 128, 2**14 + 1, "plain", "plain", zeros=0.6)

    def test_fewer_rows_than_threads(self, kernels: Kernels) -> None:
        a, b = torch.eye(2, 40), torch.randn(40, 70)
        with threads(3):
            assert_same_bits(by("sparse", kernels, torch.zeros(2, 70), a, b), b[:2])

    def test_a_thread_leaves_no_memory_behind(self, kernels: Kernels) -> None:
        """2 MB each, for the list of a's numbers."""
        out, a, b = torch.zeros(256, 1), torch.ones(256, 1024), torch.ones(1024, 1)
        before = resident_mb()
        for _ in range(50):
            thread = Thread(target=by, args=("sparse", kernels, out, a, b))
            thread.start()
            thread.join()
        assert resident_mb() < before + 50

    @pytest.mark.parametrize("of_b", ["plain", "transposed"])
    @pytest.mark.parametrize("of_a", ["plain", "transposed", "part"])
    def test_where_it_takes_less_time(self, kernels: Kernels, of_a: str, of_b: str) -> None:
        assert left_out(kernels, 64, 128, 64, of_a, of_b, zeros=0.5)
        assert not left_out(kernels, 64, 128, 64, of_a, of_b, zeros=0.2)
        assert not left_out(kernels, 64, 140, 64, of_a, of_b, zeros=0.5)  # columns for 192
        assert not left_out(kernels, 8, 128, 64, of_a, of_b, zeros=0.9)

    @pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
    @pytest.mark.parametrize("place", [(0, 0), (7, 9), (63, 129)])
    @pytest.mark.parametrize("of_b", ["plain", "transposed"])
    def test_zero_times_what_is_not_finite(
        self, kernels: Kernels, bad: float, place: tuple[int, int], of_b: str
    ) -> None:
        """Is NaN, also where most is zero."""
        a, b = torch.zeros(64, 64), laid(torch.Generator().manual_seed(0), 64, 130, of_b)
        b[place] = bad
        found = by("product", kernels, torch.zeros(64, 130), a, b)
        assert found[:, place[1]].isnan().all()
        assert found.isnan().sum() == 64


@needs_kernels
def test_alone() -> None:
    """One thread, however many torch has."""
    assert NATIVE is not None
    seen: list[int] = []
    for mine in (copy(NATIVE), NATIVE.alone()):
        mine._execute = lambda table, count, threads: seen.append(threads)
        with threads(3):
            mine.program([])()
    assert seen == [3, 1]


def left_out(kernels: Kernels, m: int, n: int, k: int, of_a: str, of_b: str, zeros: float) -> bool:
    """Whether a product of this kind left the zeros out, which the sign of a zero tells.

    1e-30 times -1e-30 is too small for its number, and becomes -0; to add 0 makes 0 of it.
    """
    generator = torch.Generator().manual_seed(0)
    a, b = laid(generator, m, k, of_a), laid(generator, k, n, of_b)
    a[torch.rand(m, k, generator=generator) < zeros] = 0
    a[-1], a[-1, 0], b[0] = 0, 1e-30, -1e-30
    signs = by("product", kernels, torch.zeros(m, n), a, b)[-1].signbit()
    assert signs.all() or not signs.any()
    return bool(signs[0])
