"""Writes the expected values of the metrics' tests: Tests/ECAREvaluationTests/Fixtures/metrics.safetensors and statistics*.npz,
and Tests/ECARImagesTests/Fixtures/pictures*.npz.

    python Scripts/metric_fixtures.py

Needs torch 2.11.0, numpy, scipy, safetensors, pytorch-fid 0.3.0 and torch-fidelity 0.4.0. All features are seeded random
numbers. Where a program can be called, its own function makes the expected value; guided-diffusion's evaluator needs
TensorFlow 1, so its formulas are restated here.

| name | shape | meaning |
|---|---|---|
| real, generated | (300,24) (260,24) | features, float32, far from zero and of very different scales |
| few | (10,24) | the first rows of generated: fewer than features |
| mean, covariance | (24) (24,24) | of real, as numpy computes them |
| frechet, frechet_few | () | real to generated, by pytorch-fid; real to few, by the definition |
| probabilities | (130,7) | rows that add up to 1, one entry 0 |
| score_sizes, score_counts | (2) | mean and deviation: runs of 50; 10 runs |
| precise, recalled | (260) (300) | guided-diffusion's indicators, k = 3 |
| precision_recall | (2) | torch-fidelity's |
| kernel | (1) | torch-fidelity's, of the first 260 pictures of both sets |
| distances, indices | (300,4) | of real's nearest neighbours in real, itself left out |
"""

from pathlib import Path

import numpy as np
import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from safetensors.numpy import save_file
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

TESTS = Path(__file__).resolve().parent.parent / "Tests"
EVALUATION, IMAGES = (TESTS / name / "Fixtures" for name in ("ECAREvaluationTests", "ECARImagesTests"))
WIDTH = 24
rng = np.random.default_rng(9)


def make_features() -> dict[str, np.ndarray]:
    mix = rng.standard_normal((WIDTH, WIDTH)) * np.logspace(-2, 0.5, WIDTH)
    real = rng.standard_normal((300, WIDTH)) @ mix + 20
    generated = 1.1 * rng.standard_normal((260, WIDTH)) @ mix + 20.3
    generated[:130] += 2.5 * mix[0]
    generated[7] = real[3]
    return {"real": real.astype(np.float32), "generated": generated.astype(np.float32)}


# MARK: Fréchet distance


def statistics(features):
    return features.astype(np.float64).mean(0), np.cov(features.astype(np.float64), rowvar=False)


def plain_frechet(a, b):
    """The definition, by the eigenvalues of the product, which are real and not negative."""
    (mu1, sigma1), (mu2, sigma2) = statistics(a), statistics(b)
    values = np.linalg.eigvals(sigma1 @ sigma2)
    return ((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2) - 2 * np.sqrt(np.clip(values.real, 0, None)).sum()


# MARK: guided-diffusion's evaluator, restated


def guided_score(probabilities, size):
    scores = []
    for start in range(0, len(probabilities), size):
        part = probabilities[start : start + size].astype(np.float64)
        terms = np.where(part > 0, part * (np.log(np.maximum(part, 1e-300)) - np.log(part.mean(0))), 0)
        scores.append(np.exp(terms.sum(1).mean()))
    return np.array([np.mean(scores), np.std(scores)])


def squared_distances(a, b):
    return ((a[:, None].astype(np.float64) - b[None].astype(np.float64)) ** 2).sum(-1)


def guided_precision_recall(real, generated, k=3):
    """Which pictures lie in a ball of the other set; sorted distances begin with the picture's own, 0."""
    real_radii = np.sort(squared_distances(real, real), axis=1)[:, k]
    generated_radii = np.sort(squared_distances(generated, generated), axis=1)[:, k]
    between = squared_distances(real, generated)
    inside = []
    for factor in (1 - 1e-4, 1, 1 + 1e-4):
        inside.append((between <= factor * real_radii[:, None]).any(0))
        inside.append((between <= factor * generated_radii[None]).any(1))
    same = all(np.array_equal(inside[i], inside[i % 2]) for i in range(6))
    assert same, "float32 could decide otherwise: take another seed"
    return inside[2], inside[3]


# MARK: Files


def make_metrics():
    made = make_features()
    real, generated = made["real"], made["generated"]
    few = made["few"] = generated[:10].copy()
    made["mean"], made["covariance"] = statistics(real)
    made["frechet"] = np.array(calculate_frechet_distance(*statistics(real), *statistics(generated)))
    made["frechet_few"] = np.array(plain_frechet(real, few))
    assert abs(plain_frechet(real, generated) / made["frechet"] - 1) < 1e-9
    reference = calculate_frechet_distance(*statistics(real), *statistics(few))
    assert abs(reference / made["frechet_few"] - 1) < 1e-3, (reference, made["frechet_few"])

    logits = torch.tensor(rng.standard_normal((130, 7)) * 3, dtype=torch.float64)
    logits[5, 2] = -1000
    made["probabilities"] = logits.softmax(1).float().numpy()
    made["score_sizes"] = guided_score(made["probabilities"], 50)
    score = isc_features_to_metric(logits, splits=10, shuffle=False)
    made["score_counts"] = np.array(list(score.values()))

    made["precise"], made["recalled"] = (x.astype(np.uint8) for x in guided_precision_recall(real, generated))
    tensors = torch.tensor(generated), torch.tensor(real)
    pair = prc_features_to_metric(*tensors, prc_neighborhood=3, prc_batch_size=10000, save_cpu_ram=False, verbose=False)
    made["precision_recall"] = np.array([pair["precision"], pair["recall"]])
    assert np.allclose(made["precision_recall"], [made["precise"].mean(), made["recalled"].mean()])
    assert 0.2 < made["precise"].mean() < 0.9 and 0.2 < made["recalled"].mean() < 0.9, made["precision_recall"]

    scaled = [torch.tensor((x[:260] - 20).astype(np.float32)) for x in (real, generated)]
    made["kernel"] = np.array(
        [
            kid_features_to_metric(
                *(x.double() for x in scaled), kid_subsets=1, kid_subset_size=260, kid_kernel="poly",
                kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1, rng_seed=0,
                verbose=False,
            )["kernel_inception_distance_mean"]
        ]
    )  # fmt: skip

    distances = np.sqrt(squared_distances(real, real))
    np.fill_diagonal(distances, np.inf)
    made["indices"] = np.argsort(distances, axis=1)[:, :4].copy()
    made["distances"] = np.take_along_axis(distances, made["indices"], 1)
    save_file(made, EVALUATION / "metrics.safetensors")
    return made


def make_statistics(made):
    """What other programs write: pytorch-fid and clean-fid; guided-diffusion, with pictures and float32; foreign orders."""
    mu, sigma = made["mean"], made["covariance"]
    np.savez_compressed(EVALUATION / "statistics_pytorch_fid.npz", mu=mu, sigma=sigma)
    np.savez(
        EVALUATION / "statistics_guided.npz", arr_0=rng.integers(0, 256, (3, 4, 4, 3), dtype=np.uint8),
        mu=mu.astype(np.float32), sigma=sigma, mu_s=mu[:5], sigma_s=sigma[:5, :5])  # fmt: skip
    np.savez(
        EVALUATION / "statistics_foreign.npz", mu=mu.astype(">f8"), sigma=np.asfortranarray(sigma.astype(">f4"))
    )


def make_pictures():
    """Pictures as guided-diffusion keeps them. The values follow from the place, so that tests need not be told them."""
    colour = (np.arange(5 * 4 * 6 * 3) * 7 % 251).astype(np.uint8).reshape(5, 4, 6, 3)
    np.savez(IMAGES / "pictures.npz", colour, np.array([3, 1, 4, 1, 5]))
    np.savez_compressed(IMAGES / "pictures_packed.npz", colour, np.array([3, 1, 4, 1, 5], dtype=np.int32))
    np.savez_compressed(IMAGES / "pictures_grey.npz", arr_0=colour[..., 0])
    np.savez(IMAGES / "pictures_objects.npz", np.array([colour[0], None], dtype=object))
    np.savez(IMAGES / "orders.npz", c=np.arange(24).reshape(2, 3, 4), f=np.asfortranarray(np.arange(24).reshape(2, 3, 4)))


for folder in (EVALUATION, IMAGES):
    folder.mkdir(parents=True, exist_ok=True)
make_statistics(make_metrics())
make_pictures()
