#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The machine's clocks, without Foundation.
enum SystemWallClock {
    static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }

    /// Milliseconds since the machine started, those included for which it was suspended.
    static func uptime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
