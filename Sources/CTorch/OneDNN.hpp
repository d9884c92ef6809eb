#pragma once

#include <ATen/ATen.h>

namespace ctorch {

/// Whether `onednn_linear` is the faster way: float32 on CPUs, where PyTorch's own goes to another library that is slow on
/// many of them.
bool suits_onednn_linear(const at::Tensor &x, const at::Tensor &weight);
/// x·weightᵀ + bias with gradients.
at::Tensor onednn_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace ctorch
