#pragma once

#include <ATen/ATen.h>

namespace ctorch {

/// The width of the processor's vectors as far as the loops of Rows.hpp know them: 512, 256 or 128.
int32_t vector_bits() noexcept;
/// Whether it multiplies unsigned with signed 8-bit numbers exactly; without such an instruction pairs of products saturate.
bool has_exact_int8() noexcept;
/// Whether it multiplies pairs of bfloat16 numbers and adds them up in float32.
bool has_bf16_products() noexcept;

/// What 0 becomes in rows of 8 bits: oneDNN's integer products are of unsigned with signed numbers.
constexpr int64_t quantized_zero = 128;

/// x (M, K), float32 or bfloat16 → (M, K) of 8 bits about `quantized_zero`, and one scale a row (M), float32.
void quantize_rows(const at::Tensor &x, const at::Tensor &rounded, const at::Tensor &scales);
/// y (M, N), bfloat16 ← y·scale of the row (M) + bias (N); in place.
void rescale_rows(const at::Tensor &y, const at::Tensor &scales, const at::Tensor &bias);
/// The same, then GELU, then `quantize_rows`, while a row is at hand; y is left as scratch.
void rescale_gelu_quantize_rows(const at::Tensor &y, const at::Tensor &scales, const at::Tensor &bias, const at::Tensor &rounded,
                                const at::Tensor &rounded_scales);

}  // namespace ctorch
