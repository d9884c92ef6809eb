#include "Nccl.hpp"

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <algorithm>
#include <climits>
#include <thread>

namespace ctorch {

namespace {

// MARK: - NCCL's C interface, as much of it as is used here (nccl.h, since 2.14)

using Communicator = void *;
using Stream = void *;

enum Result { success = 0, in_progress = 7 };
enum Type { uint8 = 1, float32 = 7, float64 = 8 };
enum Operation { sum = 0 };

struct UniqueId {
    char bytes[128];
};

/// ncclConfig_t as of 2.14; later versions know its size and fill in the fields that it lacks.
struct Config {
    size_t size = sizeof(Config);
    unsigned magic = 0xcafebeef;
    unsigned version = 21400;
    int blocking = 0;
    int undefined = INT_MIN;  // lies where 2.14 has padding and later versions a field that may stay undefined
};

template <class Function>
Function *symbol(const char *name) {
    static void *library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_GLOBAL);
    TORCH_CHECK(library, "NCCL (libnccl.so.2) is missing: training on several GPUs needs a full PyTorch in LIBTORCH");
    auto *address = dlsym(library, name);
    TORCH_CHECK(address, "the NCCL of this libtorch is too old: it has no ", name);
    return reinterpret_cast<Function *>(address);
}

struct Api {
    int (*get_unique_id)(UniqueId *) = symbol<int(UniqueId *)>("ncclGetUniqueId");
    int (*init)(Communicator *, int, UniqueId, int, Config *) =
        symbol<int(Communicator *, int, UniqueId, int, Config *)>("ncclCommInitRankConfig");
    int (*all_reduce)(const void *, void *, size_t, int, int, Communicator, Stream) =
        symbol<int(const void *, void *, size_t, int, int, Communicator, Stream)>("ncclAllReduce");
    int (*broadcast)(const void *, void *, size_t, int, int, Communicator, Stream) =
        symbol<int(const void *, void *, size_t, int, int, Communicator, Stream)>("ncclBroadcast");
    int (*async_error)(Communicator, int *) = symbol<int(Communicator, int *)>("ncclCommGetAsyncError");
    int (*abort)(Communicator) = symbol<int(Communicator)>("ncclCommAbort");
    const char *(*describe)(int) = symbol<const char *(int)>("ncclGetErrorString");
};

const Api &api() {
    static const Api api;
    return api;
}

}  // namespace

// MARK: - A communicator

Nccl::Id Nccl::make_id() {
    UniqueId made;
    auto result = api().get_unique_id(&made);
    TORCH_CHECK(result == success, "NCCL: ", api().describe(result));
    return std::to_array(made.bytes);
}

Nccl::Nccl(const Id &id, int rank, int processes, at::Device device, std::chrono::milliseconds timeout)
    : device_(device), timeout_(timeout) {
    UniqueId shared;
    std::copy(id.begin(), id.end(), shared.bytes);
    c10::DeviceGuard guard(device_);
    // Not blocking: every call may then be given up at the deadline, even while connections are being made.
    Config config;
    try {
        wait(api().init(&communicator_, processes, shared, rank, &config), nullptr);
    } catch (...) {
        if (communicator_) api().abort(communicator_);
        throw;
    }
}

Nccl::~Nccl() {
    try {
        c10::DeviceGuard guard(device_);
        // Not ncclCommDestroy, which would wait for peers that may be gone.
        api().abort(communicator_);
    } catch (const std::exception &) {
        // The device itself is gone, and with it the communicator.
    }
}

void Nccl::synchronize() { c10::impl::VirtualGuardImpl(device_.type()).getStream(device_).synchronize(); }

void Nccl::sum(const at::Tensor &tensor) {
    auto type = tensor.scalar_type() == at::kDouble ? float64 : float32;
    enqueue([&](Stream stream) {
        auto *data = tensor.mutable_data_ptr();
        return api().all_reduce(data, data, tensor.numel(), type, ctorch::sum, communicator_, stream);
    });
}

void Nccl::broadcast(const at::Tensor &tensor) {
    enqueue([&](Stream stream) {
        auto *data = tensor.mutable_data_ptr();
        return api().broadcast(data, data, tensor.numel(), uint8, /*root=*/0, communicator_, stream);
    });
}

/// Adds a call to the device's current stream, behind the work that computes its tensor, and waits for its end.
template <class Call>
void Nccl::enqueue(Call &&call) {
    c10::DeviceGuard guard(device_);
    auto stream = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
    // Only once NCCL has taken the call in is it on the stream, and an event behind it of use.
    wait(call(stream.native_handle()), nullptr);
    c10::Event event(device_.type());
    event.record(stream);
    wait(success, &event);
}

/// Polls until nothing is in progress and the event, if any, is reached.
void Nccl::wait(int result, const c10::Event *event) {
    auto deadline = std::chrono::steady_clock::now() + timeout_;
    while (result == in_progress || (result == success && event && !event->query())) {
        TORCH_CHECK(std::chrono::steady_clock::now() < deadline, "NCCL: timed out");
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        auto asked = api().async_error(communicator_, &result);
        if (asked != success) result = asked;
    }
    TORCH_CHECK(result == success, "NCCL: ", api().describe(result));
}

}  // namespace ctorch
