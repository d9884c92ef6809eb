#pragma once

#if !__has_include(<ATen/ATen.h>)
#error "libtorch is not installed: run Scripts/setup (or `make setup`), or set LIBTORCH to its folder, then build again."
#endif

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "CTorch.h"

struct ct_tensor_s {
    at::Tensor value;
};

struct ct_generator_s {
    at::Generator value;
};

namespace ctorch {

void load_accelerators() noexcept;
void set_error(const char *message) noexcept;

/// Runs `body`; turns anything that it throws into a status and a message.
template <class Body>
int guarded(Body &&body) noexcept {
    load_accelerators();
    try {
        body();
        return 0;
    } catch (const c10::Error &error) {
        set_error(error.what_without_backtrace());
    } catch (const std::bad_alloc &) {
        set_error("out of memory");
    } catch (const std::exception &error) {
        set_error(error.what());
    } catch (...) {
        set_error("unknown C++ exception");
    }
    return 1;
}

/// Runs `body`, which makes one tensor, and hands it out.
template <class Body>
int make(ct_tensor *out, Body &&body) noexcept {
    return guarded([&] { *out = new ct_tensor_s{body()}; });
}

/// Hands out several tensors; none where one cannot be.
inline void hand_out(const std::vector<at::Tensor> &tensors, ct_tensor *out) {
    std::vector<std::unique_ptr<ct_tensor_s>> owned;
    owned.reserve(tensors.size());
    for (auto &tensor : tensors) owned.emplace_back(new ct_tensor_s{tensor});
    for (size_t i = 0; i < owned.size(); i++) out[i] = owned[i].release();
}

inline at::IntArrayRef sizes(const int64_t *values, size_t count) { return {values, count}; }

inline std::vector<at::Tensor> list(const ct_tensor *tensors, size_t count) {
    std::vector<at::Tensor> values;
    values.reserve(count);
    for (size_t i = 0; i < count; i++) values.push_back(tensors[i]->value);
    return values;
}

inline std::optional<at::Tensor> optional(ct_tensor tensor) {
    return tensor ? std::optional<at::Tensor>(tensor->value) : std::nullopt;
}

inline at::Device device(ct_device device) {
    auto kind = static_cast<c10::DeviceType>(device.kind);
    return kind == c10::kCPU ? at::Device(kind) : at::Device(kind, static_cast<c10::DeviceIndex>(device.index));
}

inline at::TensorOptions options(int32_t dtype, ct_device where) {
    return at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)).device(device(where));
}

}  // namespace ctorch
