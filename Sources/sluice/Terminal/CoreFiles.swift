import Glibc

/// Memory holds tokens and events in clear, so none of it may end up in a core file.
enum CoreFiles {
    /// To look for a fault of Sluice itself, with `SLUICE_CORE_FILES=1` in the environment they are left as they are.
    static func forbid() {
        guard getenv("SLUICE_CORE_FILES") == nil else { return }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        // A program that cores are piped into is not bound by the limit: for it, the core has no memory in it.
        let descriptor = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "0", 1)
        close(descriptor)
    }
}
