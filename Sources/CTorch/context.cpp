#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <torch/version.h>

#include <limits>
#include <memory>

#include "Autocast.hpp"
#include "Handles.hpp"

namespace ctorch {

static thread_local std::string last_error;

void set_error(const char *message) noexcept {
    try {
        last_error = message;
    } catch (...) {
        last_error.clear();
    }
}

/// A full libtorch has its CUDA half in a library of its own. It must be loaded before ATen is first asked for CUDA,
/// because a "no" is remembered for good; where it is absent nothing happens and the CPU is used.
void load_accelerators() noexcept {
    static const void *cuda = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    (void)cuda;
}

}  // namespace ctorch

using namespace ctorch;

const char *ct_last_error(void) noexcept { return last_error.c_str(); }

void ct_set_last_error(const char *message) noexcept { set_error(message); }

const char *ct_version(void) noexcept { return TORCH_VERSION; }

bool ct_has_device(ct_device where) noexcept {
    bool found = false;
    guarded([&] {
        switch (where.kind) {
            case CT_CPU: found = true; break;
            case CT_CUDA: found = at::hasCUDA() && where.index < at::detail::getCUDAHooks().deviceCount(); break;
            case CT_MPS: found = at::hasMPS(); break;
            default: break;
        }
    });
    return found;
}

int32_t ct_threads(void) noexcept { return at::get_num_threads(); }

int ct_set_threads(int32_t count) noexcept {
    return guarded([&] { at::set_num_threads(count); });
}

void ct_keep_freed_memory(void) noexcept {
#ifdef __GLIBC__
    malloc_trim(0);  // what is free by now
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
    mallopt(M_TOP_PAD, 64 << 20);
#endif
}

int ct_allow_tf32(bool allow) noexcept {
    return guarded([&] {
        at::globalContext().setAllowTF32CuBLAS(allow);
        at::globalContext().setAllowTF32CuDNN(allow);
    });
}

struct ct_guard_s {
    std::unique_ptr<c10::NoGradGuard> no_gradient;
    std::unique_ptr<c10::InferenceMode> inference;
    std::unique_ptr<Autocast> autocast;
};

int ct_guard_begin(int32_t mode, int32_t device_kind, int32_t dtype, ct_guard *out) noexcept {
    return guarded([&] {
        auto guard = std::make_unique<ct_guard_s>();
        switch (mode) {
            case CT_NO_GRAD: guard->no_gradient = std::make_unique<c10::NoGradGuard>(); break;
            case CT_INFERENCE: guard->inference = std::make_unique<c10::InferenceMode>(); break;
            case CT_AUTOCAST:
                guard->autocast = std::make_unique<Autocast>(static_cast<at::DeviceType>(device_kind), static_cast<at::ScalarType>(dtype));
                break;
            default: TORCH_CHECK(false, "unknown mode ", mode);
        }
        *out = guard.release();
    });
}

void ct_guard_end(ct_guard guard) noexcept {
    guarded([&] { delete guard; });
}
