#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <c10/util/Logging.h>

#include <cstdlib>
#include <mutex>
#include <sstream>

#include "Handles.hpp"
#include "Nccl.hpp"

using namespace ctorch;

namespace {

/// Tensors travel together in buckets of at most this many bytes; a larger one travels alone, and where it lies.
constexpr size_t bucket_bytes = 16 << 20;

/// Keeps c10d from printing, with traces, what is about to be thrown anyway; who asks for libtorch's log gets it.
class Quiet {
public:
    Quiet() {
        std::lock_guard lock(mutex_);
        if (count_++ > 0 || std::getenv("TORCH_CPP_LOG_LEVEL")) return;
        level_ = std::exchange(FLAGS_caffe2_log_level, c10::GLOG_FATAL);
    }
    ~Quiet() {
        std::lock_guard lock(mutex_);
        if (--count_ == 0 && level_) FLAGS_caffe2_log_level = *std::exchange(level_, std::nullopt);
    }
    Quiet(const Quiet &) = delete;
    Quiet &operator=(const Quiet &) = delete;

private:
    static inline std::mutex mutex_;
    static inline int count_ = 0;
    static inline std::optional<int> level_;
};

/// What matters of an exception's message: its first line, without the place in libtorch's sources or its error codes.
std::string brief(const std::exception &exception) {
    auto *error = dynamic_cast<const c10::Error *>(&exception);
    std::string text = error ? error->what_without_backtrace() : exception.what();
    text = text.substr(0, text.find('\n'));
    auto place = text.find("] ");
    if (text.starts_with("[") && place != std::string::npos) text = text.substr(place + 2);
    auto cause = text.rfind("message: ");
    if (cause != std::string::npos) text = text.substr(cause + 9);
    while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
    return text;
}

/// A number that differs, all but certainly, where two processes are about to exchange different things.
int64_t signature(const char *operation, const std::vector<at::Tensor> &tensors) {
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, by whole numbers
    auto add = [&](int64_t value) { hash = (hash ^ static_cast<uint64_t>(value)) * 0x100000001b3; };
    for (auto *letter = operation; *letter; letter++) add(*letter);
    for (auto &tensor : tensors) {
        add(static_cast<int64_t>(tensor.scalar_type()));
        add(tensor.is_cuda());
        add(tensor.dim());
        for (auto size : tensor.sizes()) add(size);
    }
    return static_cast<int64_t>(hash >> 2);
}

/// What one process must know to find the others; the pointers may be null where it says so.
struct Options {
    const char *host;        // of the store
    uint16_t port;           // of the store
    bool hosts_store;
    const char *prefix;      // of all keys in the store
    const char *address;     // that gloo listens on; null: the host name's
    const char *interfaces;  // instead, names with commas between them; null: none
    int rank, processes;
    ct_device device;
    double timeout;          // seconds
};

/// What gloo listens on: PyTorch's choice where nothing is asked for.
std::vector<std::shared_ptr<gloo::transport::Device>> devices(const Options &options) {
    using c10d::ProcessGroupGloo;
    std::vector<std::shared_ptr<gloo::transport::Device>> devices;
    std::istringstream interfaces(options.interfaces ? options.interfaces : "");
    for (std::string name; std::getline(interfaces, name, ',');) {
        try {
            devices.push_back(ProcessGroupGloo::createDeviceForInterface(name));
        } catch (const std::exception &error) {
            throw std::runtime_error("the network interface '" + name + "' cannot be used: " + brief(error));
        }
    }
    if (devices.empty()) {
        devices.push_back(options.address ? ProcessGroupGloo::createDeviceForHostname(options.address)
                                          : ProcessGroupGloo::createDefaultDevice());
    }
    return devices;
}

std::string joined(int rank) { return "joined/" + std::to_string(rank); }

}  // namespace

// MARK: - The group

/// Every process is connected with every other by gloo, which carries what lives on the host and notices when a peer's
/// connection closes; between CUDA devices NCCL carries the tensors.
struct ct_group_s {
    explicit ct_group_s(const Options &options);

    void sum(const std::vector<at::Tensor> &tensors);
    void broadcast(const std::vector<at::Tensor> &tensors);
    void barrier() { agree(signature("barrier", {})); }

    /// Calls of several threads follow each other; which comes first must be the same in all processes.
    std::mutex mutex;

private:
    void gather(c10d::Store &store);
    std::string within() const { return c10::str(" within ", std::chrono::duration<double>(timeout).count(), " s"); }
    void agree(int64_t signature);
    void finish();
    template <class Flatten, class Move>
    void each_bucket(const std::vector<at::Tensor> &tensors, Flatten &&flatten, Move &&move);
    template <class OnDevice, class OnHost>
    void carry(const at::Tensor &flat, OnDevice &&on_device, OnHost &&on_host);
    template <class Transfer>
    void transfer(Transfer &&transfer);
    template <class Begin>
    void exchange(Begin &&begin);

    /// libtorch notes every collective in a table that it does not guard against several groups in one process.
    static inline std::mutex beginning;

    int rank, processes;
    std::chrono::milliseconds timeout;
    std::unique_ptr<Nccl> nccl;
    c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;  // null once a peer was lost
    std::string lost;
};

// MARK: Joining

ct_group_s::ct_group_s(const Options &options)
    : rank(options.rank), processes(options.processes), timeout(static_cast<int64_t>(options.timeout * 1000)) {
    Quiet quiet;
    c10::intrusive_ptr<c10d::Store> store;
    try {
        c10d::TCPStoreOptions where;
        where.port = options.port;
        where.isServer = options.hosts_store;
        where.waitWorkers = false;
        where.timeout = timeout / 2;  // it tries twice
        store = c10::make_intrusive<c10d::TCPStore>(options.host, where);
    } catch (const std::exception &error) {
        auto place = c10::str(options.host, " port ", options.port);
        throw std::runtime_error(
            options.hosts_store ? c10::str("rank ", rank, " cannot receive its peers at ", place, ": ", brief(error))
                                : c10::str("rank ", rank, " found none of its peers at ", place, within(),
                                           ": see whether rank 0 is running, and whether MASTER_ADDR and MASTER_PORT are its"));
    }
    store->setTimeout(timeout);
    store = c10::make_intrusive<c10d::PrefixStore>(options.prefix, store);
    gather(*store);

    auto settings = c10d::ProcessGroupGloo::Options::create(timeout);
    settings->devices = devices(options);
    transfer([&] { gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, processes, settings); });

    // The id, and with it the end of joining: nobody leaves, and takes the store along, before all are connected.
    auto where = device(options.device);
    auto id = at::zeros({static_cast<int64_t>(Nccl::Id().size())}, at::kByte);
    if (where.is_cuda() && rank == 0) {
        auto made = Nccl::make_id();
        std::copy(made.begin(), made.end(), static_cast<char *>(id.mutable_data_ptr()));
    }
    broadcast({id});
    if (!where.is_cuda()) return;
    Nccl::Id shared;
    std::copy_n(static_cast<const char *>(id.const_data_ptr()), shared.size(), shared.begin());
    nccl = std::make_unique<Nccl>(shared, rank, processes, where, timeout);
}

/// Waits until every process has come to the store, so that an absent one can be named.
void ct_group_s::gather(c10d::Store &store) {
    try {
        if (store.add(joined(rank), 1) > 1) {
            throw std::invalid_argument(c10::str("two processes have rank ", rank, ": RANK must differ among them"));
        }
        std::vector<std::string> all;
        for (int other = 0; other < processes; other++) all.push_back(joined(other));
        store.wait(all, timeout);
    } catch (const std::invalid_argument &) {
        throw;
    } catch (const std::exception &error) {
        std::string absent;
        try {
            for (int other = 0; other < processes; other++) {
                if (!store.check({joined(other)})) absent += (absent.empty() ? "" : ", ") + std::to_string(other);
            }
        } catch (const std::exception &) {
            absent.clear();  // the store itself is gone: say what happened first
        }
        throw std::runtime_error(
            absent.empty() ? c10::str("rank ", rank, " lost the store of its peers before all had joined: ", brief(error))
                           : c10::str("of ", processes, " processes, these ranks did not join", within(), ": ", absent));
    }
}

// MARK: Exchanging

/// Runs something that needs the peers. A failure disconnects this process, so that its peers fail too instead of
/// waiting for it.
template <class Transfer>
void ct_group_s::transfer(Transfer &&transfer) {
    if (!lost.empty()) throw std::runtime_error(lost);
    try {
        transfer();
    } catch (const std::exception &error) {
        lost = c10::str("a peer of rank ", rank, " was lost, or did not answer", within(), ": ", brief(error));
        nccl.reset();
        gloo.reset();
        throw std::runtime_error(lost);
    }
}

/// Runs a collective of gloo to its end.
template <class Begin>
void ct_group_s::exchange(Begin &&begin) {
    transfer([&] {
        std::unique_lock lock(beginning);
        auto work = begin();
        lock.unlock();
        work->wait();
    });
}

/// Throws where the processes are about to do different things, whose bytes would end up in the wrong places. Also where a
/// lost peer is noticed at once: only what all are about to take part in is then put on a device.
void ct_group_s::agree(int64_t signature) {
    if (nccl) nccl->synchronize();
    auto extremes = at::tensor({signature, -signature}, at::kLong);
    std::vector<at::Tensor> operands = {extremes};
    c10d::AllreduceOptions smallest;
    smallest.reduceOp = c10d::ReduceOp::MIN;
    exchange([&] { return gloo->allreduce(operands, smallest); });
    auto *found = static_cast<const int64_t *>(extremes.const_data_ptr());
    if (found[0] == -found[1]) return;
    throw std::runtime_error(c10::str("the processes exchange different things at once, noticed by rank ", rank,
                                      ": start the same program with the same configuration everywhere"));
}

/// Lets nobody leave, and end NCCL's transfers, before all have received what they were sent.
void ct_group_s::finish() {
    if (nccl) agree(signature("finish", {}));
}

/// Hands `move` the elements of successive tensors of one type in a flat tensor, and copies what it leaves there back.
template <class Flatten, class Move>
void ct_group_s::each_bucket(const std::vector<at::Tensor> &tensors, Flatten &&flatten, Move &&move) {
    c10::NoGradGuard no_gradient;
    for (size_t first = 0; first < tensors.size();) {
        auto &pattern = tensors[first];
        std::vector<at::Tensor> parts;
        size_t bytes = 0;
        for (auto i = first; i < tensors.size(); i++) {
            auto &tensor = tensors[i];
            bytes += tensor.nbytes();
            auto alike = tensor.scalar_type() == pattern.scalar_type() && tensor.device() == pattern.device();
            if (!parts.empty() && (!alike || bytes > bucket_bytes)) break;
            parts.push_back(flatten(tensor));
        }
        auto bucket = parts.size() == 1 ? parts[0] : at::cat(parts);
        if (bucket.numel() > 0) move(bucket);
        int64_t offset = 0;
        for (auto &part : parts) {
            auto &tensor = tensors[first++];
            auto moved = bucket.narrow(0, offset, part.numel());
            offset += part.numel();
            // A contiguous tensor alone in its bucket is the bucket.
            if (tensor.const_data_ptr() != moved.const_data_ptr()) tensor.copy_(moved.view(tensor.sizes()));
        }
    }
}

/// Moves a flat tensor by NCCL where it can, else by gloo, on the host.
template <class OnDevice, class OnHost>
void ct_group_s::carry(const at::Tensor &flat, OnDevice &&on_device, OnHost &&on_host) {
    if (nccl && flat.is_cuda()) return transfer(on_device);
    auto host = flat.cpu();
    std::vector<at::Tensor> operands = {host};
    exchange([&] { return on_host(operands); });
    if (!host.is_same(flat)) flat.copy_(host);
}

void ct_group_s::sum(const std::vector<at::Tensor> &tensors) {
    agree(signature("sum", tensors));
    for (auto &tensor : tensors) TORCH_CHECK(tensor.is_floating_point(), "sums over processes are of floating-point tensors only");
    auto flatten = [](const at::Tensor &tensor) {
        return tensor.reshape(-1).to(tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
    };
    each_bucket(tensors, flatten, [&](const at::Tensor &bucket) {
        carry(bucket, [&] { nccl->sum(bucket); }, [&](auto &operands) { return gloo->allreduce(operands); });
    });
    finish();
}

void ct_group_s::broadcast(const std::vector<at::Tensor> &tensors) {
    agree(signature("broadcast", tensors));
    auto flatten = [](const at::Tensor &tensor) { return tensor.reshape(-1).contiguous(); };
    each_bucket(tensors, flatten, [&](const at::Tensor &bucket) {
        auto bytes = bucket.view(at::kByte);
        carry(bytes, [&] { nccl->broadcast(bytes); }, [&](auto &operands) { return gloo->broadcast(operands); });
    });
    finish();
}

// MARK: - The C interface

int ct_group_join(const char *host, uint16_t port, bool hosts_store, const char *prefix, const char *address, const char *interfaces,
                  int32_t rank, int32_t processes, ct_device device, double timeout, ct_group *out) noexcept {
    return guarded([&] {
        *out = new ct_group_s({host, port, hosts_store, prefix, address, interfaces, rank, processes, device, timeout});
    });
}

void ct_group_leave(ct_group group) noexcept {
    guarded([&] { delete group; });
}

int ct_group_sum(ct_group group, const ct_tensor *tensors, size_t count) noexcept {
    return guarded([&] {
        std::lock_guard lock(group->mutex);
        group->sum(list(tensors, count));
    });
}

int ct_group_broadcast(ct_group group, const ct_tensor *tensors, size_t count) noexcept {
    return guarded([&] {
        std::lock_guard lock(group->mutex);
        group->broadcast(list(tensors, count));
    });
}

int ct_group_barrier(ct_group group) noexcept {
    return guarded([&] {
        std::lock_guard lock(group->mutex);
        group->barrier();
    });
}
